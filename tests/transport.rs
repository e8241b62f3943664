//! `StatsSocket` over real sockets: connecting, waiting, and closing connections.
#![cfg(unix)]
// The lint's exception for tests does not cover helper functions.
#![allow(clippy::unwrap_used)]

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use haproxyadmin::{Address, ErrorKind, Limits, StatsSocket};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio_test::task;

/// Returns limits that are short enough for a test.
fn short() -> Limits {
    Limits::new()
        .with_idle_timeout(Duration::from_millis(100))
        .with_command_timeout(Duration::from_millis(300))
}

/// Reads one command line and answers with that line and an empty line, as HAProxy ends a
/// reply.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
}

async fn echoes(address: impl Into<Address>) {
    let reply = StatsSocket::new(address).command("show stat").await.unwrap();
    assert_eq!(reply.as_bytes(), b"show stat\n\n");
}

#[tokio::test]
async fn a_unix_socket_answers() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });
    echoes(path).await;
}

#[cfg(target_os = "linux")]
async fn abstract_socket_answers(bound: &[u8], address: &str) {
    use std::os::linux::net::SocketAddrExt;

    let name = std::os::unix::net::SocketAddr::from_abstract_name(bound).unwrap();
    let listener = std::os::unix::net::UnixListener::bind_addr(&name).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = UnixListener::from_std(listener).unwrap();
    tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });
    echoes(address.parse::<Address>().unwrap()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_name_of_an_abstract_socket_is_padded() {
    let name = format!("haproxyadmin-padded-{}", std::process::id());
    let mut padded = name.clone().into_bytes();
    padded.resize(107, 0);
    abstract_socket_answers(&padded, &format!("abns@{name}")).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_name_of_an_unpadded_abstract_socket_is_not_padded() {
    let name = format!("haproxyadmin-plain-{}", std::process::id());
    abstract_socket_answers(name.as_bytes(), &format!("abnsz@{name}")).await;
}

async fn tcp_answers(bound: &str, address: impl FnOnce(SocketAddr) -> Address) {
    let listener = TcpListener::bind(bound).await.unwrap();
    let address = address(listener.local_addr().unwrap());
    tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });
    echoes(address).await;
}

#[tokio::test]
async fn tcp_answers_over_both_families() {
    tcp_answers("127.0.0.1:0", Address::from).await;
    tcp_answers("[::1]:0", Address::from).await;
    tcp_answers("127.0.0.1:0", |bound| format!("*:{}", bound.port()).parse().unwrap()).await;
    tcp_answers("127.0.0.1:0", |bound| format!("localhost:{}", bound.port()).parse().unwrap()).await;
}

/// Returns a listener with a full queue, and the connections that fill it.
#[cfg(target_os = "linux")]
async fn full(path: &std::path::Path) -> (UnixListener, Vec<tokio::net::UnixStream>) {
    use tokio::net::{UnixSocket, UnixStream};

    let socket = UnixSocket::new_stream().unwrap();
    socket.bind(path).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => waiting.push(stream),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                return (listener, waiting);
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let (listener, waiting) = full(&path).await;
    let socket = StatsSocket::new(path);

    let mut command = task::spawn(socket.command("show stat"));
    tokio_test::assert_pending!(command.poll());
    for _ in waiting {
        listener.accept().await.unwrap();
    }
    let (reply, ()) = tokio::join!(command, async { answer(listener.accept().await.unwrap().0).await });
    assert_eq!(reply.unwrap().as_bytes(), b"show stat\n\n");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_queue_that_stays_full_costs_the_whole_deadline_and_is_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let (_listener, _waiting) = full(&path).await;
    let socket =
        StatsSocket::with_limits(path.as_path(), short().with_connect_timeout(Duration::from_millis(50)));

    let start = Instant::now();
    let error = socket.command("show stat").await.unwrap_err();
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        error.to_string(),
        format!(
            "`show stat` on {}: connecting: socket is busy, its queue is full: no connection within 300ms",
            path.display()
        )
    );
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_dropped_command_closes_its_connection_and_frees_its_place() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let socket = StatsSocket::with_limits(path, Limits::new().with_max_connections(1));

    let mut dropped = Box::pin(socket.command("show stat"));
    let mut peer = tokio::select! {
        _ = &mut dropped => panic!("the command ended without an answer"),
        peer = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            peer.read_exact(&mut [0; 10]).await.unwrap();
            peer
        } => peer,
    };
    drop(dropped);
    assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);

    let (reply, ()) = tokio::join!(socket.command("show info"), async {
        answer(listener.accept().await.unwrap().0).await;
    });
    assert_eq!(reply.unwrap().as_bytes(), b"show info\n\n");
}

#[tokio::test]
async fn commands_beyond_the_connections_take_turns() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    // Serves one connection at a time and fails if a second one is waiting.
    let server = tokio::spawn(async move {
        for _ in 0..20 {
            let (stream, _) = listener.accept().await.unwrap();
            let second = task::spawn(listener.accept()).poll();
            assert!(second.is_pending(), "two connections at once");
            answer(stream).await;
        }
    });
    let socket = StatsSocket::with_limits(path, Limits::new().with_max_connections(1));
    let lines: Vec<_> = (0..20).map(|number| format!("echo {number}")).collect();
    let replies = join_all(lines.iter().map(|line| socket.command(line))).await;
    for (line, reply) in lines.iter().zip(replies) {
        assert_eq!(reply.unwrap().text(), format!("{line}\n\n"));
    }
    server.await.unwrap();
}

#[tokio::test]
async fn many_commands_share_four_connections() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    let socket = StatsSocket::new(path);
    let replies = join_all((0..100).map(|_| socket.command("show stat"))).await;
    assert!(replies.into_iter().all(|reply| reply.unwrap().as_bytes() == b"show stat\n\n"));
}

#[tokio::test]
async fn waiting_for_a_turn_counts() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let socket = StatsSocket::with_limits(
        path.as_path(),
        short().with_idle_timeout(Duration::MAX).with_max_connections(1),
    );

    let (first, second) = tokio::join!(
        socket.command("show stat"),
        socket.command_with("show info", socket.limits().with_command_timeout(Duration::from_millis(100)))
    );
    let path = path.display();
    assert_eq!(
        first.unwrap_err().to_string(),
        format!("`show stat` on {path}: receiving: no end of the reply within 300ms")
    );
    assert_eq!(
        second.unwrap_err().to_string(),
        format!("`show info` on {path}: waiting for a turn: no free connection within 100ms")
    );
}

#[tokio::test]
async fn a_socket_that_never_answers_costs_its_deadline_only() {
    let dir = TempDir::new().unwrap();
    let (silent, lively) = (dir.path().join("1.sock"), dir.path().join("2.sock"));
    let _listener = UnixListener::bind(&silent).unwrap();
    let listener = UnixListener::bind(&lively).unwrap();
    tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });

    let start = Instant::now();
    let (silent, lively) = (StatsSocket::with_limits(silent, short()), StatsSocket::new(lively));
    let (error, reply) = tokio::join!(silent.command("show stat"), lively.command("show stat"));
    assert_eq!(reply.unwrap().as_bytes(), b"show stat\n\n");
    assert_eq!(
        error.unwrap_err().to_string(),
        format!("`show stat` on {}: receiving: no byte within 100ms", silent.address())
    );
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn nobody_listening_is_told_with_the_address() {
    let dir = TempDir::new().unwrap();
    let (stale, missing) = (dir.path().join("stale.sock"), dir.path().join("missing.sock"));
    drop(UnixListener::bind(&stale).unwrap());
    for (path, cause) in [(stale, io::ErrorKind::ConnectionRefused), (missing, io::ErrorKind::NotFound)] {
        let error = StatsSocket::new(path.as_path()).command("show stat").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert_eq!(error.io().unwrap().kind(), cause);
        assert_eq!(error.address(), Some(&Address::from(path.as_path())));
        let start = format!("`show stat` on {}: cannot connect: ", path.display());
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

#[tokio::test]
async fn a_path_too_long_to_connect_to_is_told_with_the_address() {
    let address: Address = format!("/run/{}.sock", "x".repeat(200)).parse().unwrap();
    let error = StatsSocket::new(address.clone()).command("show stat").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert_eq!(error.io().unwrap().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(error.address(), Some(&address));
    let start = format!("`show stat` on {address}: cannot connect: path must be shorter than ");
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[tokio::test]
async fn a_reply_that_ends_early_is_told_with_the_command() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 9]).await.unwrap();
        stream.write_all(b"0x1 k secret\n0x2 k secret\n").await.unwrap();
    });
    let error = StatsSocket::new(path.as_path()).command("show map").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(
        error.to_string(),
        format!(
            "`show map` on {}: answer ended early: 26 bytes, and no empty line at the end",
            path.display()
        )
    );
}

#[tokio::test]
async fn a_refused_line_is_not_sent_nor_shown() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("1.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let error = StatsSocket::new(path.as_path()).command("set map secret k v\nx").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), format!("`set map` on {}: the command line holds '\\n'", path.display()));
    assert!(task::spawn(listener.accept()).poll().is_pending());
}

#[test]
fn a_command_can_be_spawned() {
    fn is_spawnable<T: Send + 'static>(_: T) {}

    let socket = StatsSocket::new("/run/1.sock".parse::<Address>().unwrap());
    is_spawnable(async move { socket.command("show stat").await });
}
