use crate::error::Malformed;
use crate::protocol::ServerName;

/// Returns the number of connections of a server that are in use, from the reply to
/// `show servers conn`. Returns `None` if the reply does not list the server.
pub(crate) fn used_connections(text: &str, name: &ServerName) -> Result<Option<u64>, Malformed> {
    let mut lines = text.lines().zip(1..);
    let header = lines.next().and_then(|(line, _)| line.strip_prefix("# "));
    let mut columns = header.unwrap_or_default().split(' ');
    let Some(at) = columns.position(|column| column == USED) else {
        return Err(Malformed::new(1, Some(USED), "a column of that name", text.as_bytes()));
    };
    let name = name.to_string();
    for (line, number) in lines {
        let mut cells = line.split(' ');
        if cells.next() == Some(&*name) {
            // The first cell has been taken, and it is not the column.
            let cell = at.checked_sub(1).and_then(|at| cells.nth(at)).unwrap_or_default();
            let used = cell.parse();
            return used
                .map(Some)
                .map_err(|_| Malformed::new(number, Some(USED), "a whole number", cell.as_bytes()));
        }
    }
    Ok(None)
}

/// Column with the number of connections that are in use.
const USED: &str = "used_cur";

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "# bkname/svname bkid/svid addr port - purge_delay served used_cur used_max\n\
        app/web1 3/1 127.0.0.1 80 - 5000 1 0 4\napp/web2 3/2 - 0 - 5000 0 7 9\n\n";

    fn used(text: &str, server: &str) -> Result<Option<u64>, String> {
        let name = ServerName::new("app", server).unwrap();
        used_connections(text, &name).map_err(|error| error.to_string())
    }

    #[test]
    fn the_column_is_found_by_name() {
        assert_eq!(
            [used(NEW, "web1"), used(NEW, "web2"), used(NEW, "web3")],
            [Ok(Some(0)), Ok(Some(7)), Ok(None)]
        );
        let old = NEW.replace("served ", "").replace("5000 1 0", "5000 3").replace("5000 0 7", "5000 4");
        assert_eq!([used(&old, "web1"), used(&old, "web2")], [Ok(Some(3)), Ok(Some(4))]);
    }

    #[test]
    fn malformed_replies_are_errors() {
        for (text, message) in [
            ("", "line 1, column \"used_cur\": expected a column of that name, found \"\""),
            (
                "# a used_cur\napp/web1 x\n",
                "line 2, column \"used_cur\": expected a whole number, found \"x\"",
            ),
            ("# a used_cur\napp/web1\n", "line 2, column \"used_cur\": expected a whole number, found \"\""),
        ] {
            assert_eq!(used(text, "web1"), Err(message.to_owned()));
        }
    }
}
