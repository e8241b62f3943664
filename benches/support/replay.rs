//! Stats sockets that answer with prepared replies, so that nothing but this crate works.

use std::io::{BufRead as _, BufReader, Write as _, stdin};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

/// The answers of one process, each to the command in front of it.
pub(crate) type Answers = Vec<(&'static str, Vec<u8>)>;

/// Another run of this program that answers at sockets, so that its work is not counted.
pub(crate) struct Replay {
    dir: TempDir,
    child: Child,
}

impl Replay {
    /// Runs this program with `arguments` and a directory, in which it must call [`serve`].
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(arguments).arg(dir.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        Self { dir, child }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Listens in a directory for as many processes as there are lists of answers, and prints a line when all
/// sockets are there. Ends with the program that has started this one.
pub(crate) fn serve(dir: &Path, processes: impl IntoIterator<Item = Answers>) {
    for (number, answers) in (1..).zip(processes) {
        let listener = UnixListener::bind(dir.join(format!("{number}.sock"))).unwrap();
        let answers = Arc::new(answers);
        thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap(), &answers)));
    }
    println!("listening");
    stdin().read_line(&mut String::new()).unwrap();
}

/// Answers one line, and closes. After `prompt` each line has its answer and a prompt, up to the next
/// `prompt`.
fn answer(stream: UnixStream, answers: &Answers) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let (mut stream, mut is_at_prompt) = (stream, false);
    // A client that has enough closes early.
    for line in lines {
        let is_last = is_at_prompt == (line == "prompt");
        is_at_prompt |= line == "prompt";
        let mut reply: Vec<u8> =
            line.split(';').flat_map(|command| reply(command, answers)).copied().collect();
        if !is_last {
            reply.extend_from_slice(b"> ");
        }
        if stream.write_all(&reply).is_err() || is_last {
            return;
        }
    }
}

fn reply<'a>(command: &str, answers: &'a Answers) -> &'a [u8] {
    answers.iter().find(|(known, _)| *known == command).map_or(b"\n", |(_, reply)| reply)
}
