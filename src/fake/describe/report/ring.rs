use crate::Version;

/// A ring of events in memory: a section `ring` of the configuration with `format raw`.
///
/// A ring of a fake is never full: it loses only the events that
/// [`Running::drop_events`](crate::fake::Running::drop_events) names.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> haproxyadmin::Result<()> {
/// use std::net::SocketAddr;
/// use futures::StreamExt as _;
/// use haproxyadmin::fake::{Process, Ring};
/// use haproxyadmin::ring::{Event, News};
/// use haproxyadmin::Cluster;
///
/// let process = Process::new("3.4").ring(Ring::new("requests").event("GET /old"));
/// let running = process.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
/// let cluster = Cluster::from_addresses([running.address().clone()]).await?;
///
/// let mut events = cluster.follow_events("requests").await?;
/// running.push_event("requests", "GET /new")?;
/// let Some(followed) = events.next().await else { panic!("the stream goes on") };
/// assert!(matches!(followed.news, News::Event(Event::Line(line)) if &*line == "GET /new"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Ring {
    pub(in crate::fake) name: Box<str>,
    pub(in crate::fake) description: Box<str>,
    /// Lines with their ends, oldest first.
    pub(in crate::fake) lines: Vec<Box<str>>,
    /// Events that were dropped and are not announced yet.
    pub(in crate::fake) dropped: u64,
}

impl Ring {
    /// Creates a ring without events.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), description: name.into(), lines: Vec::new(), dropped: 0 }
    }

    /// Sets the description. The default is the name.
    pub fn description(mut self, text: &str) -> Self {
        self.description = text.into();
        self
    }

    /// Adds an event, younger than those before. A line feed in it becomes a blank.
    pub fn event(mut self, line: &str) -> Self {
        self.add(line);
        self
    }

    fn add(&mut self, line: &str) {
        self.lines.push((line.replace('\n', " ") + "\n").into());
    }

    /// Adds an event that happens now. Events that were dropped before are announced first.
    pub(in crate::fake) fn push(&mut self, version: &Version, line: &str) {
        match std::mem::take(&mut self.dropped) {
            0 => {}
            dropped => {
                let words = if dropped == 1 { "event dropped" } else { "events dropped" };
                // Since 3.0 HAProxy ends this line with a NUL.
                let end = if *version < (3, 0) { "" } else { "\0" };
                self.add(&format!("{dropped} {words}{end}"));
            }
        }
        self.add(line);
    }

    /// Returns the rings that every process of this release has.
    pub(in crate::fake) fn built_in(version: &Version) -> Vec<Self> {
        let mut rings = vec![Self::new("buf0").description("in-memory ring buffer")];
        if *version >= (3, 2) {
            rings.push(Self::new("dpapi").description("DPAPI ring buffer"));
        }
        rings
    }
}
