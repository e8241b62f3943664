//! The sending side of a watch.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{broadcast, watch};

use super::event::{Event, Occurrence};
use super::picture::Picture;

/// An event for all readers, or `None` when the poll has ended.
pub(super) type Told = Option<Arc<Occurrence>>;

/// Publishes pictures and tells events. Readers never delay it.
#[derive(Debug)]
pub(super) struct Output {
    /// `None` when the poll has ended.
    pictures: Option<watch::Sender<Arc<Picture>>>,
    events: broadcast::Sender<Told>,
}

impl Output {
    pub(super) fn new(pictures: watch::Sender<Arc<Picture>>, events: broadcast::Sender<Told>) -> Self {
        Self { pictures: Some(pictures), events }
    }

    pub(super) fn publish(&self, picture: Picture) {
        if let Some(pictures) = &self.pictures {
            pictures.send_replace(Arc::new(picture));
        }
    }

    /// Tells events that happened now, in this order.
    pub(super) fn tell(&self, events: Vec<Event>) {
        let at = SystemTime::now();
        for event in events {
            // It fails if there is no reader now.
            let _ = self.events.send(Some(Arc::new(Occurrence { at, event })));
        }
    }
}

/// Ends all readers. One that begins meanwhile either finds no sender of pictures, or gets the end.
impl Drop for Output {
    fn drop(&mut self) {
        self.pictures = None;
        let _ = self.events.send(None);
    }
}
