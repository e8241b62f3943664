//! Resolvers: the output of `show resolvers`.

use crate::error::Malformed;

/// A `resolvers` section of a process: a part of the reply to `show resolvers`.
///
/// # Example
///
/// ```no_run
/// # async fn example(cluster: haproxyadmin::Cluster) -> haproxyadmin::Result<()> {
/// for (label, sections) in cluster.resolvers().await?.values() {
///     for nameserver in sections.iter().flat_map(|section| &section.nameservers) {
///         println!("{label}: {} timeouts of {}", nameserver.get("timeout").unwrap_or(0), nameserver.name);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ResolversSection {
    /// Name of the section. HAProxy 2.6 and later make the section `default` by themselves.
    pub name: Box<str>,
    /// The name servers, in the order of the reply.
    pub nameservers: Vec<Nameserver>,
}

/// A name server of a `resolvers` section, with its counters since the start of the process.
///
/// # Example
///
/// ```no_run
/// # fn example(nameserver: &haproxyadmin::resolvers::Nameserver) {
/// let answered = nameserver.get("valid").unwrap_or(0);
/// println!("{}: {answered} of {}", nameserver.name, nameserver.get("sent").unwrap_or(0));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Nameserver {
    /// Name of the name server.
    pub name: Box<str>,
    /// Counters by their names, such as `sent`, `valid` and `timeout`, in the order of the reply.
    pub counters: Vec<(Box<str>, u64)>,
}

impl Nameserver {
    /// Returns a counter by its name; `None` if the release prints no such counter.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.counters.iter().find(|(own, _)| **own == *name).map(|(_, value)| *value)
    }
}

impl ResolversSection {
    /// Reads the reply to `show resolvers`.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let mut sections: Vec<Self> = Vec::new();
        if text.trim_end() == NONE {
            return Ok(sections);
        }
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let added = match line.strip_prefix("Resolvers section ") {
                Some(name) => {
                    sections.push(Self { name: name.into(), nameservers: Vec::new() });
                    Some(())
                }
                None => sections.last_mut().and_then(|section| section.add(line)),
            };
            let expected = "a line of a resolvers section";
            added.ok_or_else(|| Malformed::new(at + 1, None, expected, line.as_bytes()))?;
        }
        Ok(sections)
    }

    /// Adds ` nameserver NAME:` or `  COUNTER: VALUE`.
    fn add(&mut self, line: &str) -> Option<()> {
        if let Some(name) = line.strip_prefix(" nameserver ") {
            self.nameservers.push(Nameserver { name: name.strip_suffix(':')?.into(), counters: Vec::new() });
            return Some(());
        }
        let (name, value) = line.strip_prefix("  ")?.split_once(':')?;
        self.nameservers.last_mut()?.counters.push((name.into(), value.trim().parse().ok()?));
        Some(())
    }
}

/// Reply of 2.2 if there are no resolvers.
const NONE: &str = "No resolvers found";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_hold_name_servers_and_these_counters() {
        let text = "Resolvers section dns1\n nameserver n1:\n  sent:        349\n  valid:       1\n \
            nameserver n2:\nResolvers section default\n\n";
        let sections = ResolversSection::read(text).unwrap();
        let names: Vec<_> = sections.iter().map(|section| &*section.name).collect();
        assert_eq!(names, ["dns1", "default"]);
        let [first, second] = sections[0].nameservers.as_slice() else { panic!("{sections:?}") };
        assert_eq!((&*first.name, first.get("sent"), first.get("nx")), ("n1", Some(349), None));
        assert_eq!((&*second.name, second.counters.len()), ("n2", 0));
        for none in ["", "\n", "No resolvers found\n"] {
            assert_eq!(ResolversSection::read(none).unwrap(), []);
        }
    }

    #[test]
    fn malformed_lines_are_errors() {
        for text in [
            " nameserver n1:\n",
            "Resolvers section a\n  sent: 1\n",
            "Resolvers section a\n nameserver n:\n  sent: x\n",
        ] {
            assert!(ResolversSection::read(text).is_err(), "{text}");
        }
    }
}
