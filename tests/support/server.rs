use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{self, Duration},
};

/// A web server for a backend: a task that ends when this is dropped.
///
/// `/status/404` answers with that status, `/hold` never answers, `/slow` takes 50 ms, and any
/// other path gets a short 200.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&requests)));
        Self { address, requests, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of requests; a check that only connects does not count.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, requests: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, Arc::clone(&requests)));
    }
}

async fn serve(stream: TcpStream, requests: Arc<AtomicUsize>) {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        match stream.read_line(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    let path = request.split_whitespace().nth(1).unwrap_or("/");
    if path == "/hold" {
        // Waits until the other side closes.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return;
    }
    if path == "/slow" {
        time::sleep(SLOW).await;
    }
    let status = path.strip_prefix("/status/").unwrap_or("200");
    let reply = format!("HTTP/1.1 {status} here\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhere\n");
    let _ = stream.write_all(reply.as_bytes()).await;
}

/// Time that `/slow` takes.
const SLOW: Duration = Duration::from_millis(50);
