//! The words of a command line.

/// Returns the words of each command of a line. A backslash removes the special meaning of the next
/// character: a blank, `;` or another backslash.
pub(in crate::fake) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(found) = rest.next() {
        let end = match found {
            '\\' => {
                word.get_or_insert_default().extend(rest.next());
                continue;
            }
            ' ' | '\t' | ';' => word.take(),
            _ => {
                word.get_or_insert_default().push(found);
                continue;
            }
        };
        // The list always has a last command.
        if let Some(command) = commands.last_mut() {
            command.extend(end);
        }
        if found == ';' {
            commands.push(Vec::new());
        }
    }
    if let Some(command) = commands.last_mut() {
        command.extend(word);
    }
    commands
}

/// Splits a line at each `;` that no backslash precedes.
pub(in crate::fake) fn parts(line: &str) -> Vec<&str> {
    let mut is_escaped = false;
    line.split(|found| {
        let is_end = found == ';' && !is_escaped;
        is_escaped = found == '\\' && !is_escaped;
        is_end
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_into_parts_as_it_is() {
        assert_eq!(parts(r"a b; c\; \\;d"), ["a b", r" c\; \\", "d"]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn a_line_is_commands_of_words() {
        for (line, expected) in [
            ("show info", &[&["show", "info"][..]][..]),
            ("a ; ;; b\tc;", &[&["a"], &[], &[], &["b", "c"], &[]]),
            (r"add map m k\ 1\;x \\", &[&["add", "map", "m", "k 1;x", r"\"]]),
            ("", &[&[]]),
        ] {
            assert_eq!(commands(line), expected, "{line:?}");
        }
    }
}
