//! Finds the `shm-stats-file` that a process of this host maps, with the help of `/proc`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::file::{ShmFile, ShmFileError};
use super::maps::{self, Mapping};
use super::reading::{Clock, Reading};
use crate::error::{ErrorKind, Failure};

/// Data that a process reported about itself. It prevents confusion with a process that has the
/// same pid in another container.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) pid: u64,
    /// Start time in seconds since 1970, by the process's clock at its start.
    pub(crate) started_at: Option<u64>,
    /// Start time in seconds since 1970, calculated from the uptime.
    pub(crate) started_before: Option<u64>,
}

/// The result of looking for the file of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The process maps no `shm-stats-file`.
    Without,
    /// The process maps this file.
    With(Mapped),
    /// The process does not run on this host, or this program may not inspect it.
    Hidden,
    /// A temporary error occurred, which this text describes; another attempt may succeed.
    Failed(String),
}

/// The file that a process maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) pid: u64,
    /// Start of the process, in ticks since boot.
    started: u64,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) path: PathBuf,
    /// Paths under which the file can be opened.
    open: Vec<PathBuf>,
    /// The reason why the file cannot be read.
    pub(crate) problem: Option<String>,
}

/// Limit for reading one file of `/proc`, in bytes.
const PROC: u64 = 16 << 20;

/// Tolerance in seconds between two ways to calculate the start time of a process.
const APART: u64 = 2;

/// Finds the file that a process maps. Reads `/proc` and may wait for the disk.
pub(crate) fn look(claim: Claim) -> Seen {
    match find(claim) {
        Ok(seen) => seen,
        Err(error) if is_lasting(&error) => Seen::Hidden,
        Err(error) => Seen::Failed(error.to_string()),
    }
}

fn find(claim: Claim) -> io::Result<Seen> {
    let before = start_ticks(claim.pid)?;
    if !is_start(claim, before) {
        return Ok(Seen::Hidden);
    }
    let text = read_proc(&format!("/proc/{}/maps", claim.pid))?;
    let mut seen = Seen::Without;
    for mapping in maps::shared_files(&text) {
        match recognise(claim.pid, before, &mapping)? {
            Recognised::Yes(mapped) => {
                seen = Seen::With(mapped);
                break;
            }
            Recognised::Perhaps(mapped) if seen == Seen::Without => seen = Seen::With(mapped),
            _ => {}
        }
    }
    // Another process may have taken over the pid in the meantime.
    Ok(if start_ticks(claim.pid)? == before { seen } else { Seen::Hidden })
}

/// Returns `true` if the error persists for the life of the process. Too many open files, for
/// example, is a temporary error.
fn is_lasting(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, NotADirectory, NotFound, PermissionDenied, Unsupported};

    let is_lasting = matches!(
        error.kind(),
        InvalidData | InvalidInput | NotADirectory | NotFound | PermissionDenied | Unsupported
    );
    is_lasting || error.raw_os_error() == Some(NO_SUCH_PROCESS)
}

impl Mapped {
    /// Reads the current contents of the file as far as they describe its users.
    ///
    /// # Errors
    ///
    /// A text with the reason why the file cannot be read or is malformed.
    pub(crate) fn read(&self, limit: usize) -> Result<ShmFile, String> {
        read(self.opened()?, limit)
    }

    /// Reads the current contents of the file. `clock` is an earlier time of its clock.
    pub(super) fn take(&self, limit: usize, clock: Option<Clock>) -> Result<Reading, Failure> {
        if let Some(problem) = &self.problem {
            return Err(Failure::without_error(ErrorKind::Unsupported, problem.clone()));
        }
        let file = self.opened().map_err(|text| Failure::without_error(ErrorKind::Io, text))?;
        Reading::take(&file, limit, clock)
    }

    fn opened(&self) -> Result<File, String> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let mut reason = None;
        for path in &self.open {
            match open(path) {
                Ok(file) if id(&file).map(|(_, inode)| inode).ok() == Some(self.inode) => return Ok(file),
                Ok(_) => reason = reason.or(Some(format!("{} is another file now", self.path.display()))),
                Err(error) => reason = reason.or(Some(format!("{}: {error}", self.path.display()))),
            }
        }
        Err(reason.unwrap_or_default())
    }

    /// Looks if the process still runs.
    pub(super) fn life(&self) -> Life {
        let text = match read_proc(&format!("/proc/{}/stat", self.pid)) {
            Ok(text) => text,
            // The process is gone. Any other error does not tell.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Life::Over,
            Err(error) if error.raw_os_error() == Some(NO_SUCH_PROCESS) => return Life::Over,
            Err(error) => return Life::Unknown(error.to_string()),
        };
        match maps::state(&text) {
            _ if maps::start_ticks(&text) != Some(self.started) => Life::Over,
            None | Some('Z' | 'X' | 'x') => Life::Over,
            Some('T' | 't') => Life::Suspended,
            Some(_) => Life::Running,
        }
    }
}

/// `ESRCH`: the process ended while its file was open.
const NO_SUCH_PROCESS: i32 = 3;

/// The life of a process since it was first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// The process is stopped by a signal or a debugger.
    Suspended,
    /// The process has ended. Another one may have its pid.
    Over,
    Unknown(String),
}

/// The result of comparing a mapped file with the layout of a `shm-stats-file`.
enum Recognised {
    Yes(Mapped),
    /// The file cannot be opened.
    Perhaps(Mapped),
    No,
}

fn recognise(pid: u64, started: u64, mapping: &Mapping) -> io::Result<Recognised> {
    recognise_at(&places(pid, mapping), pid, started, mapping)
}

/// Recognises the file at the first of these paths at which a slot names the process, or else at the first
/// one with a whole file. In a container, the path on this host can lead to another file with the same inode
/// number.
fn recognise_at(places: &[PathBuf], pid: u64, started: u64, mapping: &Mapping) -> io::Result<Recognised> {
    let mapped = |(device, inode), open, problem| Mapped {
        pid,
        started,
        device,
        inode,
        path: mapping.path.clone(),
        open,
        problem,
    };
    let mut problem: Option<io::Error> = None;
    let (mut unnamed, mut is_other) = (None, false);
    for path in places {
        let opened = open(path).and_then(|file| Ok((id(&file)?, file.metadata()?.len(), header(file)?)));
        let ((device, inode), length, header) = match opened {
            Ok(opened) => opened,
            Err(error) if is_lasting(&error) => {
                problem = problem.or(Some(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        // On overlayfs and btrfs, for example, the device and inode numbers in the list of mappings
        // can differ from the numbers of the file itself.
        let named = ShmFile::names_process(&header, pid);
        if inode != mapping.inode && !named {
            continue;
        }
        let used = ShmFile::length(&header);
        let is_whole = used.as_ref().is_ok_and(|used| u64::try_from(*used).is_ok_and(|used| used <= length));
        if !named && !is_whole {
            is_other = true;
            continue;
        }
        // The last one remains if the file is removed from its folder.
        let last = places.last().filter(|last| *last != path);
        let open = std::iter::once(path).chain(last).cloned().collect();
        let found = mapped((device, inode), open, used.err().map(|error| error.to_string()));
        if named {
            return Ok(Recognised::Yes(found));
        }
        unnamed = unnamed.or(Some(found));
    }
    if let Some(found) = unnamed {
        return Ok(Recognised::Yes(found));
    }
    if is_other {
        return Ok(Recognised::No);
    }
    let reason = problem.map_or_else(|| "it is not found any more".to_owned(), |error| error.to_string());
    let problem = format!("{}: {reason}", mapping.path.display());
    Ok(Recognised::Perhaps(mapped((mapping.device, mapping.inode), Vec::new(), Some(problem))))
}

/// Returns the paths under which a mapped file can be opened: its path on this host, its path in
/// the root directory of the process, and the mapping itself, which needs privileges.
fn places(pid: u64, mapping: &Mapping) -> Vec<PathBuf> {
    let mapping_itself = PathBuf::from(format!("/proc/{pid}/map_files/{}", mapping.range));
    let relative = mapping.path.strip_prefix("/").unwrap_or(&mapping.path);
    let by_path = [mapping.path.clone(), Path::new(&format!("/proc/{pid}/root")).join(relative)];
    let by_path = by_path.into_iter().filter(|_| !mapping.deleted);
    by_path.chain([mapping_itself]).collect()
}

/// Opens a regular file. Opening anything else, such as a pipe, could block for ever.
fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    File::open(path)
}

#[cfg(unix)]
fn id(file: &File) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn id(_: &File) -> io::Result<(u64, u64)> {
    Err(io::ErrorKind::Unsupported.into())
}

fn header(file: File) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(ShmFile::HEADER);
    file.take(ShmFile::HEADER as u64).read_to_end(&mut header)?;
    Ok(header)
}

fn read(file: File, limit: usize) -> Result<ShmFile, String> {
    let text = |error: io::Error| error.to_string();
    let mut bytes = header(file.try_clone().map_err(text)?).map_err(text)?;
    let length = ShmFile::length(&bytes).map_err(|error| error.to_string())?;
    if length > limit {
        return Err(format!("shm-stats-file is longer than the limit of {limit} bytes"));
    }
    let rest = u64::try_from(length.saturating_sub(bytes.len())).unwrap_or(0);
    // The clone shares its position with `file`, which is therefore past the header too.
    file.take(rest).read_to_end(&mut bytes).map_err(text)?;
    ShmFile::parse(&bytes).map_err(|error: ShmFileError| error.to_string())
}

/// Returns the start time of the process in ticks since boot.
fn start_ticks(pid: u64) -> io::Result<u64> {
    let text = read_proc(&format!("/proc/{pid}/stat"))?;
    maps::start_ticks(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Returns `true` if a process with this start time is the process that made the claim.
///
/// The clock of the process may have been changed since its start. The start time calculated from
/// the uptime does not depend on the clock, but is less exact.
fn is_start(claim: Claim, ticks: u64) -> bool {
    let seconds = ticks / maps::TICKS;
    let booted = read_proc("/proc/stat").ok().and_then(|text| maps::boot_time(&text));
    let started = booted.map(|booted| booted + seconds);
    let fits = |other: Option<u64>| other.zip(started).is_some_and(|(a, b)| a.abs_diff(b) <= APART);
    fits(claim.started_at) || fits(claim.started_before)
}

fn read_proc(path: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(PROC).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == PROC {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// Returns the claim of this test process, with its known start time.
    fn own() -> Claim {
        let pid = u64::from(std::process::id());
        let ticks = start_ticks(pid).unwrap();
        let booted = maps::boot_time(&read_proc("/proc/stat").unwrap()).unwrap();
        Claim { pid, started_at: Some(booted + ticks / maps::TICKS), started_before: None }
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        let own = own();
        assert_eq!(look(own), Seen::Without);
        let start = own.started_at.unwrap();
        let claim = |started_at, started_before| Claim { started_at, started_before, ..own };
        // The clock was changed after the start of the process.
        assert_eq!(look(claim(Some(start - 9999), Some(start + 2))), Seen::Without);
        // Another process that has the same pid in a container.
        for other in
            [claim(Some(start - 3), None), claim(Some(start + 3), Some(start - 3)), claim(None, None)]
        {
            assert_eq!(look(other), Seen::Hidden, "{other:?}");
        }
    }

    #[test]
    fn a_process_is_over_when_another_one_has_its_pid() {
        let own = Mapped {
            pid: own().pid,
            started: start_ticks(own().pid).unwrap(),
            device: 0,
            inode: 0,
            path: PathBuf::new(),
            open: Vec::new(),
            problem: None,
        };
        assert_eq!(own.life(), Life::Running);
        assert_eq!(Mapped { started: own.started + 1, ..own.clone() }.life(), Life::Over);
        assert_eq!(Mapped { pid: u64::from(u32::MAX), ..own }.life(), Life::Over);
    }

    #[test]
    fn a_process_that_is_not_there_is_hidden() {
        for pid in [0, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(look(Claim { pid, ..own() }), Seen::Hidden);
        }
    }

    fn mapping(path: &Path) -> Mapping {
        let (device, inode) = File::open(path).and_then(|file| id(&file)).unwrap_or_default();
        Mapping { range: "1000-2000".into(), device, inode, path: path.into(), deleted: false }
    }

    /// Returns the result for a file with these bytes that process 101 maps.
    fn recognised(bytes: &[u8]) -> Recognised {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counters.shm");
        fs::write(&path, bytes).unwrap();
        recognise(101, 0, &mapping(&path)).unwrap()
    }

    fn fixture() -> Vec<u8> {
        fs::read(format!("{}/fixtures/handmade/layout_1.3.shm", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn a_file_is_known_by_its_header() {
        assert!(matches!(recognised(&fixture()), Recognised::Yes(Mapped { problem: None, .. })));
        // Processes map other files too, for example a ring.
        assert!(matches!(recognised(&[7; 4096]), Recognised::No));
        assert!(matches!(recognised(b""), Recognised::No));
        assert!(matches!(recognised(&fixture()[..2000]), Recognised::Yes(_)));
        let unnamed = [&[1, 3], &vec![0; 1000][..]].concat();
        assert!(matches!(recognised(&unnamed), Recognised::Yes(_)));
        let more = [&unnamed[..536], &[9, 0, 0, 0, 9, 0, 0, 0]].concat();
        assert!(matches!(recognised(&[more, vec![0; 200]].concat()), Recognised::No));
        let mut later = fixture();
        later[1] = 4;
        let Recognised::Yes(mapped) = recognised(&later) else { panic!("it names the process") };
        let problem = "layout 1.4 of shm-stats-file is not known, only 1.1, 1.2 and 1.3 are";
        assert_eq!(mapped.problem.as_deref(), Some(problem));
        assert_eq!(mapped.read(1 << 20), Err(problem.to_owned()));
    }

    #[test]
    fn a_file_that_names_the_process_is_preferred() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let unnamed = [&[1, 3], &vec![0; 1000][..]].concat();
        for (name, bytes) in [("unnamed", &unnamed[..]), ("named", &fixture()), ("other", &[7; 4096])] {
            fs::write(path(name), bytes).unwrap();
        }
        let found = |names: &[&str]| {
            let places: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
            match recognise_at(&places, 101, 0, &mapping(&places[0])).unwrap() {
                Recognised::Yes(mapped) => Some(mapped.open),
                _ => None,
            }
        };
        assert_eq!(found(&["unnamed", "named"]), Some(vec![path("named")]));
        assert_eq!(found(&["other", "named", "gone"]), Some(vec![path("named"), path("gone")]));
        assert_eq!(found(&["unnamed", "gone"]), Some(vec![path("unnamed"), path("gone")]));
        assert_eq!(found(&["other", "gone"]), None);
    }

    #[test]
    fn a_file_that_cannot_be_found_is_known_and_not_read() {
        let Recognised::Perhaps(mapped) =
            recognise(101, 0, &mapping(Path::new("/nowhere/counters.shm"))).unwrap()
        else {
            panic!("it is mapped")
        };
        assert_eq!(
            mapped.read(1 << 20).unwrap_err(),
            "/nowhere/counters.shm: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn a_file_is_read_within_a_limit_and_only_if_it_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counters.shm");
        fs::write(&path, fixture()).unwrap();
        let Recognised::Yes(mapped) = recognise(101, 0, &mapping(&path)).unwrap() else {
            panic!("it is one")
        };
        assert_eq!(mapped.read(1 << 20).unwrap().slot(101, false), Some(0));
        assert_eq!(mapped.read(1000).unwrap_err(), "shm-stats-file is longer than the limit of 1000 bytes");
        fs::write(dir.path().join("other"), fixture()).unwrap();
        fs::rename(dir.path().join("other"), &path).unwrap();
        assert_eq!(mapped.read(1 << 20).unwrap_err(), format!("{} is another file now", path.display()));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(mapped.read(1 << 20).unwrap_err(), format!("{}: not a plain file", path.display()));
    }
}
