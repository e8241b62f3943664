use crate::error::Malformed;
use crate::protocol::ServerName;
use crate::show::scan;

/// Connections of a server in one process, from `show servers conn`.
///
/// HAProxy does not read the numbers of one server at exactly the same moment.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (process, servers) in cluster.fetch_server_connections().await?.values() {
///     for server in servers {
///         println!("{process}: {}/{} has {} in use, {} idle", server.backend, server.name, server.used, server.idle);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ServerConnections {
    /// Name of the backend.
    pub backend: Box<str>,
    /// Name of the server.
    pub name: Box<str>,
    /// Number of the backend in its process: the column `iid` of `show stat`.
    pub backend_id: u64,
    /// Number of the server in its backend and process: the column `sid` of `show stat`.
    pub id: u64,
    /// Connections that are in use: `used_cur`.
    pub used: u64,
    /// Highest number of connections that were in use at one time lately: `used_max`. It can be below [`used`](Self::used)
    /// for a moment.
    pub used_max: u64,
    /// Number of connections that HAProxy estimates to need: `need_est`.
    pub needed: u64,
    /// Idle connections: `idle_cur`.
    pub idle: u64,
    /// Idle connections that have not been used for a second request yet: `unsafe_nb`. HAProxy keeps them
    /// apart, because the server may close them at once.
    pub idle_unsafe: u64,
    /// Idle connections that have been used for several requests: `safe_nb`.
    pub idle_safe: u64,
    /// Highest number of idle connections (`pool-max-conn`): `idle_lim`. `None` if there is no limit.
    pub idle_limit: Option<u64>,
}

impl ServerConnections {
    /// Reads the reply to `show servers conn`. Leaves out the workers that HAProxy 2.2 lists under a master.
    pub(crate) fn read(reply: impl AsRef<[u8]>) -> Result<Vec<Self>, Malformed> {
        let text = &*scan::text(reply.as_ref());
        let columns = columns(text)?;
        let mut servers = Vec::new();
        for line in lines(text, &columns) {
            let server = line.server()?;
            if !line.is_worker(&server)? {
                servers.push(server);
            }
        }
        Ok(servers)
    }

    /// Reads the connections of one server that are in use, whatever the other columns and the other servers have.
    pub(crate) fn used_of(server: &ServerName, reply: impl AsRef<[u8]>) -> Result<Option<u64>, Malformed> {
        let text = &*scan::text(reply.as_ref());
        let name = format!("{}/{}", server.backend(), server.name());
        let columns = columns(text)?;
        let own = lines(text, &columns).find(|line| line.cell(NAMES).is_ok_and(|cell| cell == name));
        own.map(|line| line.whole_number(USED)).transpose()
    }
}

/// Reads the header.
fn columns(text: &str) -> Result<Vec<&str>, Malformed> {
    let header = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
    let columns: Vec<&str> = header.split(' ').collect();
    match [USED, NAMES].into_iter().find(|needed| !columns.contains(needed)) {
        Some(absent) => Err(Malformed::new(1, Some(absent), "a column of that name", text.as_bytes())),
        None => Ok(columns),
    }
}

/// Returns the lines behind the header.
fn lines<'a>(text: &'a str, columns: &'a [&'a str]) -> impl Iterator<Item = Line<'a>> {
    let rows = text.lines().zip(1..).skip(1).filter(|(row, _)| !row.is_empty());
    rows.map(move |(row, number)| Line { columns, cells: row.split(' ').collect(), number, row })
}

/// The cells of one line.
struct Line<'a> {
    columns: &'a [&'a str],
    cells: Vec<&'a str>,
    number: usize,
    row: &'a str,
}

impl Line<'_> {
    fn server(&self) -> Result<ServerConnections, Malformed> {
        let pair = |column| {
            let pair = self.cell(column)?.split_once('/');
            pair.ok_or_else(|| self.malformed(column, "two parts around a slash", self.row))
        };
        let (backend, name) = pair(NAMES)?;
        let (backend_id, id) = pair("bkid/svid")?;
        let limit = self.cell("idle_lim")?;
        Ok(ServerConnections {
            backend: backend.into(),
            name: name.into(),
            backend_id: self.whole("bkid/svid", backend_id)?,
            id: self.whole("bkid/svid", id)?,
            used: self.whole_number(USED)?,
            used_max: self.whole_number("used_max")?,
            needed: self.whole_number("need_est")?,
            idle: self.whole_number("idle_cur")?,
            idle_unsafe: self.whole_number("unsafe_nb")?,
            idle_safe: self.whole_number("safe_nb")?,
            idle_limit: if limit == "-1" { None } else { Some(self.whole("idle_lim", limit)?) },
        })
    }

    /// Returns `true` if this is no server of the configuration, but a worker: the servers `cur-1` and `old-PID` of a
    /// backend `MASTER`, without an address.
    fn is_worker(&self, server: &ServerConnections) -> Result<bool, Malformed> {
        let number = server.name.strip_prefix("cur-").or_else(|| server.name.strip_prefix("old-"));
        let is_number = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let has_address = || Ok((self.cell("addr")?, self.cell("port")?) != ("-", "0"));
        Ok(&*server.backend == "MASTER" && is_number && !has_address()?)
    }

    fn whole_number(&self, column: &'static str) -> Result<u64, Malformed> {
        self.whole(column, self.cell(column)?)
    }

    fn whole(&self, column: &'static str, cell: &str) -> Result<u64, Malformed> {
        cell.parse().map_err(|_| self.malformed(column, "a whole number", cell))
    }

    fn cell(&self, column: &'static str) -> Result<&str, Malformed> {
        let at = self.columns.iter().position(|one| *one == column);
        let at = at.ok_or_else(|| Malformed::new(1, Some(column), "a column of that name", b""))?;
        self.cells.get(at).copied().ok_or_else(|| self.malformed(column, "a cell for each column", self.row))
    }

    fn malformed(&self, column: &'static str, expected: &'static str, found: &str) -> Malformed {
        Malformed::new(self.number, Some(column), expected, found.as_bytes())
    }
}

/// Column with the names.
const NAMES: &str = "bkname/svname";

/// Column with the number of connections that are in use.
const USED: &str = "used_cur";

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "# bkname/svname bkid/svid addr port - purge_delay served used_cur used_max need_est idle_sess \
        unsafe_nb safe_nb idle_lim idle_cur idle_per_thr[2]\n\
        app/web1 3/1 127.0.0.1 80 - 5000 1 0 4 4 0 2 1 -1 3 2 1\napp/web2 3/2 - 0 - 5000 0 7 9 9 0 0 0 10 0 0 0\n\n";

    const OLD: &str = "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb \
        idle_lim idle_cur idle_per_thr[1]\napp/web1 3/1 127.0.0.1 80 - 5000 3 4 4 2 1 -1 3 3\n\n";

    fn read(text: &str) -> Result<Vec<ServerConnections>, String> {
        ServerConnections::read(text).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name() {
        let servers = read(NEW).unwrap();
        let expected = ServerConnections {
            backend: "app".into(),
            name: "web1".into(),
            backend_id: 3,
            id: 1,
            used: 0,
            used_max: 4,
            needed: 4,
            idle: 3,
            idle_unsafe: 2,
            idle_safe: 1,
            idle_limit: None,
        };
        assert_eq!(servers[0], expected);
        let last = &servers[1];
        assert_eq!((&*last.name, last.used, last.used_max, last.idle_limit), ("web2", 7, 9, Some(10)));
        assert_eq!(read(OLD).unwrap(), [ServerConnections { used: 3, ..expected }]);
    }

    #[test]
    fn the_workers_that_2_2_lists_are_left_out() {
        let text = OLD.replace("app/web1", "MASTER/cur-1");
        assert_eq!(read(&text).unwrap().len(), 1);
        let text = text.replace("127.0.0.1 80", "- 0");
        assert_eq!(read(&text).unwrap(), []);
        assert_eq!(read(&text.replace("cur-1", "cur-web")).unwrap().len(), 1);
    }

    #[test]
    fn malformed_replies_are_errors() {
        let cut = OLD.replace(" 3 4 4 2 1 -1 3 3", " 3 4");
        for (text, message) in [
            ("", "line 1, column \"used_cur\": expected a column of that name, found \"\""),
            (
                "# a used_cur\napp/web1 1\n",
                "line 1, column \"bkname/svname\": expected a column of that name, found \"# a used_cur\\napp/web1 1\\n\"",
            ),
            (
                &*OLD.replace(" 3 4 4", " x 4 4"),
                "line 2, column \"used_cur\": expected a whole number, found \"x\"",
            ),
            (
                &*cut,
                "line 2, column \"idle_lim\": expected a cell for each column, found \"app/web1 3/1 127.0.0.1 80 - 5000 3 4\"",
            ),
        ] {
            assert_eq!(read(text), Err(message.to_owned()));
        }
    }
}
