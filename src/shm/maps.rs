//! Parsers for the files in `/proc` that describe a process. They take text and do no I/O.

use std::path::PathBuf;

/// A file that a process maps into its memory and shares with other processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Address range, spelt as the names in `/proc/PID/map_files`.
    pub(super) range: String,
    /// Device number, encoded as in the result of `stat`.
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) path: PathBuf,
    /// `true` if the path no longer exists.
    pub(super) deleted: bool,
}

/// Ticks per second in all files of `/proc`, on every architecture that Linux runs on except Alpha.
pub(super) const TICKS: u64 = 100;

/// Path prefixes of HAProxy's other shared mappings: memory without a file, and the log of the
/// startup, which a master shares with its workers.
const OTHERS: [&str; 4] = ["/dev/zero", "/dev/shm/haproxy_startup_logs", "/memfd:", "/SYSV"];

/// Returns the files in `/proc/PID/maps` that are mapped from their beginning, writable and shared.
pub(super) fn shared_files(maps: &str) -> Vec<Mapping> {
    maps.lines().filter_map(shared_file).collect()
}

/// Reads one line, such as
///
/// `7f61bf8f1000-7f61bf9ff000 rw-s 00000000 fe:00 10027180     /run/haproxy/stats.shm`
fn shared_file(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let (range, access, offset) = (words.next()?, words.next()?, words.next()?);
    let (device, inode, path) = (words.next()?, words.next()?, words.next()?.trim_start());
    let starts = u64::from_str_radix(offset, 16).ok()? == 0;
    let is_file = path.starts_with('/') && !OTHERS.iter().any(|other| path.starts_with(other));
    if access != "rw-s" || !starts || !is_file {
        return None;
    }
    let (major, minor) = device.split_once(':')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let (path, deleted) = match path.strip_suffix(" (deleted)") {
        Some(path) => (path, true),
        None => (path, false),
    };
    Some(Mapping {
        // The names in `/proc/PID/map_files` have no leading zeros.
        range: range.split('-').map(|end| end.trim_start_matches('0')).collect::<Vec<_>>().join("-"),
        device: device_number(number(major)?, number(minor)?),
        inode: inode.parse().ok()?,
        path: path.replace("\\012", "\n").into(),
        deleted,
    })
}

/// Encodes a device number as Linux does.
fn device_number(major: u64, minor: u64) -> u64 {
    (major & 0xffff_f000) << 32 | (major & 0xfff) << 8 | (minor & 0xffff_ff00) << 12 | (minor & 0xff)
}

/// Returns the start time of a process in ticks since boot: field 22 of `/proc/PID/stat`.
pub(super) fn start_ticks(stat: &str) -> Option<u64> {
    // The name of the program, in parentheses, may contain any character.
    let (_, behind) = stat.rsplit_once(") ")?;
    behind.split(' ').nth(22 - 3)?.parse().ok()
}

/// Returns the state of a process: field 3 of `/proc/PID/stat`.
pub(super) fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Returns the boot time of the machine in seconds since 1970: `btime` of `/proc/stat`.
pub(super) fn boot_time(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_written_together_are_listed() {
        let maps = "\
55d0c0a00000-55d0c0b00000 r-xp 00000000 fe:00 1311 /usr/sbin/haproxy
7f61bf8f1000-7f61bf9ff000 rw-s 00000000 fe:00 10027180                   /run/my stats.shm
7f61c1ab2000-7f61c1ac2000 rw-s 00000000 00:01 1298                       /dev/zero (deleted)
7f61c1ac2000-7f61c1ad2000 rw-s 00000000 00:1a 7        /dev/shm/haproxy_startup_logs_12 (deleted)
7f61c1b00000-7f61c1b10000 rw-s 00001000 fe:00 12 /run/part
7f61c1b10000-7f61c1b20000 r--s 00000000 fe:00 13 /run/read
00400000-00500000 rw-s 00000000 103:02 14 /run/old\\012name (deleted)
7f61c1c00000-7f61c1c01000 rw-p 00000000 00:00 0
7f61c1c01000-7f61c1c02000 rw-s 00000000 00:0e 9 anon_inode:[io_uring]
nonsense
";
        let mapping = |range: &str, device, inode, path: &str, deleted| Mapping {
            range: range.into(),
            device,
            inode,
            path: path.into(),
            deleted,
        };
        assert_eq!(
            shared_files(maps),
            [
                mapping("7f61bf8f1000-7f61bf9ff000", 0xfe00, 10_027_180, "/run/my stats.shm", false),
                mapping("400000-500000", 0x1_0302, 14, "/run/old\nname", true),
            ]
        );
    }

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "12 (a) b) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 2 0 132654 1 2 3";
        assert_eq!(start_ticks(stat), Some(132_654));
        assert_eq!(start_ticks("12 (a) S 1"), None);
        assert_eq!((state(stat), state("12 (a"), state("12 (a) ")), (Some('S'), None, None));
        assert_eq!(boot_time("cpu 1 2\nbtime 1795592876\nprocesses 9\n"), Some(1_795_592_876));
        assert_eq!(boot_time(""), None);
    }
}
