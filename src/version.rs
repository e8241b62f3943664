use std::fmt;

/// Release of a HAProxy process: the key `Version` of `show info`.
///
/// A version compares with a branch such as `(2, 6)`. The comparison uses the branch only,
/// because the patch level of a distribution says little about the features of a process. Two
/// versions are equal only if HAProxy prints the same text for both. They have no order.
///
/// # Example
///
/// ```
/// use haproxyadmin::Version;
///
/// let version = Version::parse("2.6.12-1+deb12u3");
/// assert_eq!(version.branch(), (2, 6));
/// assert!(version >= (2, 4) && version < (3, 0));
/// assert_eq!(version.as_str(), "2.6.12-1+deb12u3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[doc(alias = "release")]
pub struct Version {
    branch: (u16, u16),
    text: Box<str>,
}

impl Version {
    /// Reads a version such as `2.6.12-1+deb12u3` or `3.5-dev5`. A text without numbers has
    /// the branch 0.0.
    pub fn parse(text: &str) -> Self {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
        let branch = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Self { branch, text: text.into() }
    }

    /// Returns the major and the minor number, such as `(3, 4)`.
    pub fn branch(&self) -> (u16, u16) {
        self.branch
    }

    /// Returns the version as HAProxy prints it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq<(u16, u16)> for Version {
    fn eq(&self, branch: &(u16, u16)) -> bool {
        self.branch == *branch
    }
}

impl PartialOrd<(u16, u16)> for Version {
    fn partial_cmp(&self, branch: &(u16, u16)) -> Option<std::cmp::Ordering> {
        self.branch.partial_cmp(branch)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_compare_as_numbers() {
        let version = Version::parse("2.10.1-1+deb");
        assert!(version > (2, 9) && version < (3, 0) && version == (2, 10));
        assert_eq!(Version::parse("3.5-dev5").branch(), (3, 5));
        assert_eq!(Version::parse("").branch(), (0, 0));
    }
}
