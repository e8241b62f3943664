use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::until;

/// A server for agent checks. It answers that all is well, and keeps the texts that it receives. It
/// stops when it is dropped.
#[derive(Debug)]
pub struct Agent {
    address: SocketAddr,
    heard: Arc<Mutex<BTreeSet<String>>>,
    task: JoinHandle<()>,
}

impl Agent {
    pub async fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<_>>::default();
        let kept = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept)));
            }
        });
        Self { address, heard, task }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until all of these texts have been received, each on a connection of its own.
    pub async fn hears(&self, texts: &[String]) {
        let all = || texts.iter().all(|text| self.heard.lock().unwrap().contains(text));
        until(&format!("the agent hears {texts:?}"), async || all().then_some(())).await;
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, heard: Arc<Mutex<BTreeSet<String>>>) {
    let mut bytes = [0; 4096];
    if let Ok(read @ 1..) = stream.read(&mut bytes).await {
        heard.lock().unwrap().insert(String::from_utf8_lossy(&bytes[..read]).into_owned());
        let _ = stream.write_all(b"up\n").await;
    }
}
