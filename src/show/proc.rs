//! Processes of a master: the output of `show proc`.

use std::time::Duration;

use crate::error::Malformed;

/// Processes that a master lists: the reply to `show proc`.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> haproxyadmin::Result<()> {
/// use haproxyadmin::{Address, master::Master};
///
/// let master = Master::new("/run/haproxy-master.sock".parse::<Address>()?);
/// let processes = master.processes().await?;
/// for worker in processes.workers.iter().chain(&processes.old_workers) {
///     println!("worker {} since {:?}, after {} reloads", worker.pid, worker.uptime, worker.reloads);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProcessList {
    /// The master. Its number of reloads is the number of all reloads since it was started, with
    /// the failed ones.
    pub master: ListedProcess,
    /// Number of reloads that failed since the last one that succeeded. 3.2 and later count at most
    /// one. `None` in 2.2, which does not print it.
    pub failed_reloads: Option<u64>,
    /// Workers of the current configuration.
    ///
    /// Empty in 2.2, 3.2 and later after a reload that failed: the worker that goes on serving is
    /// among the old ones then. In 2.6 and 3.0 it stays here.
    pub workers: Vec<ListedProcess>,
    /// Workers of former configurations, which end when their connections have ended.
    pub old_workers: Vec<ListedProcess>,
    /// Programs that the master started: sections `program` of the configuration, up to 3.2.
    pub programs: Vec<ListedProcess>,
    /// Programs of former configurations that have not ended.
    pub old_programs: Vec<ListedProcess>,
}

/// A process that a master lists: one line of `show proc`.
///
/// The line does not tell how many connections the process has: ask the process itself, with
/// [`Master::worker`](crate::master::Master::worker) and `show info`.
///
/// # Example
///
/// ```no_run
/// # async fn example(master: haproxyadmin::master::Master) -> haproxyadmin::Result<()> {
/// for old in master.processes().await?.old_workers {
///     println!("{} is leaving, after {} reloads", old.pid, old.reloads);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedProcess {
    /// Process ID. A reload gives the new worker another one.
    pub pid: u32,
    /// Type in HAProxy's words: `master`, `worker`, or the name of a program.
    pub kind: Box<str>,
    /// Number of the worker among the workers of its configuration, from 1; 0 for the master.
    /// `None` for a program, and from 2.6 on, which print no such number.
    pub relative_pid: Option<u32>,
    /// Number of reloads since the process was started, with the failed ones: 0 for a worker of
    /// the current configuration.
    pub reloads: u64,
    /// Time since the process was started, in whole seconds.
    pub uptime: Duration,
    /// Release, as HAProxy prints it; `None` for a program.
    pub version: Option<Box<str>>,
}

impl ProcessList {
    /// Returns `true` if the last reload failed, so that the workers have a former configuration.
    pub fn has_failed_reload(&self) -> bool {
        match self.failed_reloads {
            Some(failed) => failed > 0,
            None => self.workers.is_empty() && self.master.reloads > 0,
        }
    }

    /// Returns the workers that serve: the current ones, or the youngest old ones if there is no
    /// current one because the last reload failed.
    pub fn serving(&self) -> &[ListedProcess] {
        if !self.workers.is_empty() || !self.has_failed_reload() {
            return &self.workers;
        }
        // HAProxy prints the youngest workers first.
        let youngest = self.old_workers.iter().map(|worker| worker.reloads).min();
        let end = self.old_workers.iter().position(|worker| Some(worker.reloads) != youngest);
        self.old_workers.get(..end.unwrap_or(self.old_workers.len())).unwrap_or_default()
    }

    /// Reads the reply to `show proc`.
    pub(crate) fn read(text: &str) -> Result<Self, Malformed> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let malformed = |at, expected, found: &str| Malformed::new(at, None, expected, found.as_bytes());
        let header = lines.next().map(|(_, line)| line).filter(|line| line.starts_with("#<PID>"));
        let header = header.ok_or_else(|| malformed(1, "the header of `show proc`", text))?;
        let is_numbered = header.contains("<relative PID>");
        let (at, master) = lines.next().ok_or_else(|| malformed(2, "the line of the master", ""))?;
        let master = Row::read(at + 1, master, is_numbered)?;
        let mut list = Self {
            failed_reloads: master.failed,
            master: master.process,
            workers: Vec::new(),
            old_workers: Vec::new(),
            programs: Vec::new(),
            old_programs: Vec::new(),
        };
        let mut section = None;
        for (at, line) in lines {
            if let Some(name) = line.strip_prefix("# ") {
                section = Some(name.trim());
                continue;
            }
            let rows = match section {
                Some("workers") => &mut list.workers,
                Some("old workers") => &mut list.old_workers,
                Some("programs") => &mut list.programs,
                Some("old programs") => &mut list.old_programs,
                // A later release may list other processes.
                Some(_) => continue,
                None => return Err(malformed(at + 1, "`# workers`", line)),
            };
            rows.push(Row::read(at + 1, line, is_numbered)?.process);
        }
        if section.is_none() {
            return Err(malformed(3, "`# workers`", ""));
        }
        Ok(list)
    }
}

/// A line of the table.
struct Row {
    process: ListedProcess,
    failed: Option<u64>,
}

impl Row {
    /// Reads a line. The cells are padded with blanks and may hold blanks themselves, so the uptime
    /// is looked for, and the other cells are counted from there.
    fn read(at: usize, line: &str, is_numbered: bool) -> Result<Self, Malformed> {
        let malformed =
            |column, expected, found: &str| Malformed::new(at, Some(column), expected, found.as_bytes());
        let number =
            |column, word: &str| word.parse::<u64>().map_err(|_| malformed(column, "a whole number", word));
        let words: Vec<&str> = line.split_whitespace().collect();
        let found = words.iter().enumerate().rev().find_map(|(index, word)| Some((index, uptime(word)?)));
        let (end, uptime) = found.ok_or_else(|| malformed("uptime", "a time such as 0d00h01m05s", line))?;
        let (before, after) = words.split_at(end);
        let (pid, mut rest) = before.split_first().ok_or_else(|| malformed("PID", "a process ID", line))?;
        let mut failed = None;
        if let [start @ .., "[failed:", count] = rest {
            failed = Some(number("reloads", count.trim_end_matches(']'))?);
            rest = start;
        }
        let (reloads, mut rest) =
            rest.split_last().ok_or_else(|| malformed("reloads", "a whole number", line))?;
        let mut relative_pid = None;
        if is_numbered {
            let (word, start) = match rest {
                [start @ .., "[was:", word] => (word.trim_end_matches(']'), start),
                [start @ .., word] => (*word, start),
                [] => return Err(malformed("relative PID", "a number", line)),
            };
            if word != "-" {
                relative_pid = Some(word.parse().map_err(|_| malformed("relative PID", "a number", word))?);
            }
            rest = start;
        }
        let version = after.get(1).copied().filter(|version| *version != "-").map(Into::into);
        let process = ListedProcess {
            pid: pid.parse().map_err(|_| malformed("PID", "a process ID", pid))?,
            kind: rest.join(" ").into(),
            relative_pid,
            reloads: number("reloads", reloads)?,
            uptime,
            version,
        };
        Ok(Self { process, failed })
    }
}

/// Reads a time such as `1d02h03m04s`.
fn uptime(word: &str) -> Option<Duration> {
    let (days, rest) = word.split_once('d')?;
    let (hours, rest) = rest.split_once('h')?;
    let (minutes, rest) = rest.split_once('m')?;
    let mut seconds: u64 = 0;
    for (part, size) in [(days, 86_400), (hours, 3_600), (minutes, 60), (rest.strip_suffix('s')?, 1)] {
        seconds = seconds.checked_add(part.parse::<u64>().ok()?.checked_mul(size)?)?;
    }
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The processes as `PID kind relative reloads seconds version`.
    fn shown(list: &[ListedProcess]) -> Vec<String> {
        let show = |one: &ListedProcess| {
            let relative = one.relative_pid.map_or("-".to_owned(), |number| number.to_string());
            let version = one.version.as_deref().unwrap_or("-");
            let seconds = one.uptime.as_secs();
            format!("{} {} {relative} {} {seconds} {version}", one.pid, one.kind, one.reloads)
        };
        list.iter().map(show).collect()
    }

    #[test]
    fn the_table_of_2_2_has_relative_numbers() {
        let text = "\
#<PID>          <type>          <relative PID>  <reloads>       <uptime>        <version>      \n\
21630           master          0               4               0d00h00m10s     2.2.9-2+deb11u6\n\
# workers\n\
# old workers\n\
21992           worker          [was: 1]        1               0d00h00m03s     2.2.9-2+deb11u6\n\
21896           worker          [was: 1]        3               1d02h03m04s     2.2.9-2+deb11u6\n\
# programs\n\
21897           cat             -               0               0d00h00m01s     -              \n\n";
        let list = ProcessList::read(text).unwrap();
        assert_eq!(shown(std::slice::from_ref(&list.master)), ["21630 master 0 4 10 2.2.9-2+deb11u6"]);
        assert!(list.workers.is_empty() && list.has_failed_reload());
        assert_eq!(
            shown(&list.old_workers),
            ["21992 worker 1 1 3 2.2.9-2+deb11u6", "21896 worker 1 3 93784 2.2.9-2+deb11u6"]
        );
        assert_eq!(shown(&list.programs), ["21897 cat - 0 1 -"]);
        assert_eq!(list.serving(), &list.old_workers[..1]);
    }

    #[test]
    fn the_table_of_later_releases_counts_failed_reloads() {
        let text = "\
#<PID>          <type>          <reloads>       <uptime>        <version>      \n\
22082           master          5 [failed: 2]   0d00h00m13s     2.6.12-1+deb12u3\n\
# workers\n\
22389           worker          0               0d00h00m01s     2.6.12-1+deb12u3\n\
# novelties\n\
?\n\
# old programs\n\
22390           a-program-with-a-long-name 4               0d00h00m11s     -\n\n";
        let list = ProcessList::read(text).unwrap();
        assert_eq!((list.master.reloads, list.failed_reloads), (5, Some(2)));
        assert_eq!(shown(&list.workers), ["22389 worker - 0 1 2.6.12-1+deb12u3"]);
        assert_eq!(shown(&list.old_programs), ["22390 a-program-with-a-long-name - 4 11 -"]);
        assert_eq!(list.serving(), list.workers);
    }

    #[test]
    fn anything_else_is_malformed() {
        let head = "#<PID> <type> <reloads> <uptime> <version>\n";
        for (rest, expected) in [
            ("", "line 2: expected the line of the master, found \"\""),
            ("1 master 0 [failed: 0] 0d00h00m01s 3.4\n", "line 3: expected `# workers`, found \"\""),
            (
                "1 master 0 [failed: 0] x 3.4\n",
                "line 2, column \"uptime\": expected a time such as 0d00h01m05s, found \"1 master 0 [failed: 0] x 3.4\"",
            ),
            ("x master 0 0d00h00m01s 3.4\n", "line 2, column \"PID\": expected a process ID, found \"x\""),
            (
                "1 master 0 [failed: y] 0d00h00m01s 3.4\n",
                "line 2, column \"reloads\": expected a whole number, found \"y\"",
            ),
            ("0d00h00m01s 3.4\n", "line 2, column \"PID\": expected a process ID, found \"0d00h00m01s 3.4\""),
            (
                "1 0d00h00m01s 3.4\n",
                "line 2, column \"reloads\": expected a whole number, found \"1 0d00h00m01s 3.4\"",
            ),
        ] {
            let error = ProcessList::read(&format!("{head}{rest}")).unwrap_err();
            assert_eq!(error.to_string(), expected, "{rest:?}");
        }
        assert!(ProcessList::read("Name: HAProxy\n\n").is_err());
    }
}
