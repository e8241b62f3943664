//! Memory pools: the output of `show pools`.

/// Returns the size of the buffers of a process (`tune.bufsize`), in bytes.
pub(crate) fn buffer_size(printed: &[u8]) -> Option<usize> {
    let printed = std::str::from_utf8(printed).ok()?;
    let rest = printed.lines().find_map(|line| line.trim_start().strip_prefix("- Pool buffer ("))?;
    // Up to 3.3: `16384 bytes)`. From 3.4 on: `16384 bytes/64)`.
    let (size, _) = rest.split_once(" bytes")?;
    size.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_the_pool_of_buffers() {
        for (line, expected) in [
            ("  - Pool buffer (16384 bytes) : 17 allocated (278528 bytes), 17 used", Some(16_384)),
            ("  - Pool buffer (4096 bytes/64) : 18 allocated (73728 bytes), 18 used", Some(4_096)),
            ("  - Pool large_buffer (65536 bytes/64) : 0 allocated (0 bytes), 0 used", None),
            ("  - Pool buffer (many bytes) : 0 allocated", None),
            ("  - Pool buffer (16384", None),
        ] {
            let printed =
                format!("Dumping pools usage.\n  - Pool qcs (408 bytes/8) : 0 allocated\n{line}\nTotal: 2\n");
            assert_eq!(buffer_size(printed.as_bytes()), expected, "{line}");
        }
        assert_eq!(buffer_size(b""), None);
    }
}
