use crate::error::{Error, Result};
use crate::excerpt::excerpt;

/// The name of a stored value, as in `data.NAME` of a command: `gpc0`, or `gpc[1]` for an element of an
/// array.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredName<'a> {
    name: &'a str,
    /// The name without the index.
    base: &'a str,
    index: Option<u16>,
}

/// The arrays. Without an index, a command means their first element.
const ARRAYS: [&str; 3] = ["gpt", "gpc", "gpc_rate"];

/// The values of 32 bits. The rates have 32 bits too: their names end in `_rate`.
const NARROW: [&str; 13] = [
    "gpt",
    "gpc",
    "gpt0",
    "gpc0",
    "gpc1",
    "conn_cnt",
    "conn_cur",
    "sess_cnt",
    "http_req_cnt",
    "http_err_cnt",
    "http_fail_cnt",
    "glitch_cnt",
    "server_id",
];

impl<'a> StoredName<'a> {
    /// Checks the name: lower-case letters, digits and `_`, and the index of an element of an array.
    pub(super) fn new(name: &'a str) -> Result<Self> {
        let (base, index) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((base, index)) => (base, Some(index)),
            None => (name, None),
        };
        let is_base = !base.is_empty()
            && base.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let is_index = |index: &str| index.len() <= 3 && index.bytes().all(|byte| byte.is_ascii_digit());
        let number = index.map(|index| index.parse().ok().filter(|_| is_index(index)));
        match number {
            None if is_base => Ok(Self { name, base, index: None }),
            // HAProxy would take another name for the beginning of one of these.
            Some(Some(index)) if ARRAYS.contains(&base) => Ok(Self { name, base, index: Some(index) }),
            _ => {
                Err(Error::invalid(format!("stored value {:?}: expected a name such as gpc0", excerpt(name))))
            }
        }
    }

    /// Returns the name as a command has it.
    pub(super) fn as_str(&self) -> &'a str {
        self.name
    }

    /// Returns the name as HAProxy prints it: `gpc1` for `gpc[1]`, `gpc1_rate` for `gpc_rate[1]`.
    pub(super) fn printed(&self) -> String {
        let Some(index) = self.index.or_else(|| ARRAYS.contains(&self.base).then_some(0)) else {
            return self.base.to_owned();
        };
        match self.base.split_once('_') {
            Some((start, end)) => format!("{start}{index}_{end}"),
            None => format!("{}{index}", self.base),
        }
    }

    /// Checks that HAProxy stores `value` as it is. HAProxy reads a number of 64 bits with a sign, and
    /// stores the lower 32 bits of it without a word if the value has 32 bits.
    pub(super) fn check(&self, value: u64) -> Result<()> {
        let greatest = match self.base {
            "server_key" | "server_name" => {
                let text = format!("stored value {}: HAProxy takes no text for it, and no number", self.name);
                return Err(Error::invalid(text));
            }
            "server_id" => i32::MAX.unsigned_abs().into(),
            base if NARROW.contains(&base) || base.ends_with("_rate") => u32::MAX.into(),
            _ => i64::MAX.unsigned_abs(),
        };
        if value <= greatest {
            return Ok(());
        }
        Err(Error::invalid(format!("stored value {}: {value} is more than {greatest}", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_printed_as_haproxy_prints_it() {
        for (name, printed) in [
            ("gpc0", "gpc0"),
            ("gpc", "gpc0"),
            ("gpc[1]", "gpc1"),
            ("gpc[01]", "gpc1"),
            ("gpt[99]", "gpt99"),
            ("gpc_rate", "gpc0_rate"),
            ("gpc_rate[2]", "gpc2_rate"),
            ("http_req_rate", "http_req_rate"),
        ] {
            let stored = StoredName::new(name).unwrap();
            assert_eq!((stored.as_str(), &*stored.printed()), (name, printed));
        }
        for name in [
            "",
            "GPC0",
            "gpc[]",
            "gpc[+1]",
            "gpc[1000]",
            "gpc[1",
            "[1]",
            "gpc0 1",
            "gpc[1]x",
            "gp[0]",
            "gpc0[0]",
        ] {
            assert!(StoredName::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_value_has_the_bits_of_its_column() {
        let (signed, narrow, wide) = (0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff);
        for (name, greatest) in [
            ("server_id", signed),
            ("gpc0", narrow),
            ("gpc[1]", narrow),
            ("gpc_rate[1]", narrow),
            ("conn_cur", narrow),
            ("http_req_cnt", narrow),
            ("http_req_rate", narrow),
            ("bytes_in_rate", narrow),
            ("bytes_in_cnt", wide),
            ("something_new", wide),
        ] {
            let stored = StoredName::new(name).unwrap();
            assert!(stored.check(0).is_ok() && stored.check(greatest).is_ok(), "{name}");
            let error = stored.check(greatest + 1).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}: {} is more than {greatest}", greatest + 1)), "{error}");
        }
        assert!(StoredName::new("server_key").unwrap().check(0).is_err());
    }
}
