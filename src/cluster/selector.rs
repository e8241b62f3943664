use std::fmt;

use crate::address::Address;
use crate::snapshot::{Label, Process, Record, without_sock};

/// Selects one process of a cluster by its label or by the address of its stats socket.
///
/// A label or the text of an address, an [`Address`], a [`Process`] of a snapshot and an
/// [`Outcome`](crate::Outcome) convert into a selector. The text of an address may have any notation
/// of [`Address`]: `ipv4@192.0.2.7:9999` and `192.0.2.7:9999` select the same process. A label `p1` that
/// is the end of an address without its `.sock` can also be written `p1.sock`, unless that is the label
/// of another process.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// use haproxyadmin::{Address, Selector};
///
/// let by_label = Selector::from("p1");
/// let by_address = Selector::from("ipv4@192.0.2.7:9999".parse::<Address>()?);
/// let backend = cluster.only([by_label, by_address]).backend("app").await?;
/// println!("{} {:?}", backend.requests(), backend.processes());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector(By);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum By {
    /// A label or the text of an address, and the address if the text is one.
    Text(Box<str>, Option<Address>),
    Address(Address),
}

impl Selector {
    fn of_text(text: Box<str>) -> Self {
        let address = text.parse().ok();
        Self(By::Text(text, address))
    }

    /// Returns `true` if this selects `process`: by its label, its address, or its label with the
    /// `.sock` of its address.
    pub(super) fn fits(&self, process: &Process) -> bool {
        let address = process.address();
        match &self.0 {
            By::Address(wanted) | By::Text(_, Some(wanted)) if address == wanted => true,
            By::Address(_) => false,
            By::Text(text, _) => {
                let shown = address.to_string();
                let is_label = without_sock(address, text) == Some(&**process.label());
                **process.label() == **text || *shown == **text || is_label && is_end(&shown, text)
            }
        }
    }

    /// Returns `true` if this selects the process of `record`: by its label, its address, or the
    /// end of its address, with or without `.sock`.
    ///
    /// The end of the address counts because labels are made from it: the label of a process can
    /// depend on the other members, and an expected process may not be a member yet.
    pub(super) fn fits_record(&self, record: &Record) -> bool {
        match &self.0 {
            By::Address(wanted) | By::Text(_, Some(wanted)) if record.address == *wanted => true,
            By::Address(_) => false,
            By::Text(text, _) if text.is_empty() => false,
            By::Text(text, _) => {
                let address = record.address.to_string();
                let short = without_sock(&record.address, &address);
                record.label.as_deref() == Some(&**text)
                    || is_end(&address, text)
                    // The whole address without `.sock` is the address of another socket.
                    || short.is_some_and(|short| short != &**text && is_end(short, text))
            }
        }
    }

    /// Returns `true` if this is the label of the process. A label takes precedence over an equal
    /// address of another process.
    pub(super) fn is_label_of(&self, process: &Process) -> bool {
        matches!(&self.0, By::Text(text, _) if **process.label() == **text)
    }
}

impl From<&str> for Selector {
    fn from(text: &str) -> Self {
        Self::of_text(text.into())
    }
}

impl From<String> for Selector {
    fn from(text: String) -> Self {
        Self::of_text(text.into())
    }
}

impl From<&String> for Selector {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&Label> for Selector {
    fn from(label: &Label) -> Self {
        Self::of_text((**label).into())
    }
}

impl From<Address> for Selector {
    fn from(address: Address) -> Self {
        Self(By::Address(address))
    }
}

impl From<&Address> for Selector {
    fn from(address: &Address) -> Self {
        Self(By::Address(address.clone()))
    }
}

impl From<&Process> for Selector {
    fn from(process: &Process) -> Self {
        Self::from(process.address())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            By::Text(text, _) => f.write_str(text),
            By::Address(address) => address.fmt(f),
        }
    }
}

/// Returns `true` if `end` is the whole address, or the part after one of its slashes.
fn is_end(address: &str, end: &str) -> bool {
    address.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::{ErrorKind, Failure};

    fn record(address: &str) -> Record {
        let failure = Failure::without_error(ErrorKind::Other, "not asked");
        Record::new("host".into(), address.parse().unwrap(), Err(failure))
    }

    #[test]
    fn an_address_is_selected_by_every_text_that_is_read_as_it() {
        for (address, texts) in [
            (
                "./1.sock",
                &["./1.sock", "unix@./1.sock", "uxst@./1.sock", "stream+unix@./1.sock", "1.sock"][..],
            ),
            ("/run/1.sock", &["/run/1.sock", "unix@/run/1.sock", "stream+/run/1.sock", "1.sock", "1"]),
            ("192.0.2.7:9999", &["192.0.2.7:9999", "ipv4@192.0.2.7:9999", "stream+tcp4@192.0.2.7:9999"]),
            ("h:1", &["h:1", "tcp@h:1"]),
            (":9999", &[":9999", "*:9999", "127.0.0.1:9999"]),
            ("@1@/run/m.sock", &["@1@/run/m.sock", "@1@unix@/run/m.sock"]),
        ] {
            let record = Arc::new(record(address));
            let process = Process::new("other".into(), Arc::clone(&record));
            for text in texts {
                assert!(Selector::from(*text).fits_record(&record), "{address} {text}");
                if text.parse::<Address>().is_ok() {
                    assert!(Selector::from(*text).fits(&process), "{address} {text}");
                }
            }
        }
        let other = record("192.0.2.7:9999");
        for text in ["", "192.0.2.7:999", "ipv4@192.0.2.8:9999", "9999"] {
            assert!(!Selector::from(text).fits_record(&other), "{text}");
        }
    }
}
