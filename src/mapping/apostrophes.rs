//! Texts between apostrophes, which Port takes in mappings although jq does not.

use super::jq::{CompileError, Expression};

/// Compiles an expression as it is; where that fails, with the apostrophes around its texts turned into double quotes.
///
/// As it is first: a correct text such as `"rock 'n' roll"` must not be touched.
pub fn compile(text: &str) -> Result<Expression, CompileError> {
    let error = match Expression::compile(text) {
        Ok(expression) => return Ok(expression),
        Err(error) => error,
    };
    let quoted = with_double_quotes(text);
    if quoted == text {
        return Err(error);
    }
    // The first error is about what the user wrote.
    Expression::compile(&quoted).map_err(|_| error)
}

/// Port's rule: an apostrophe opens a text at the start or after white space, and closes one at the end or before white
/// space. The white space next to it is used up and does not count for the next one.
fn with_double_quotes(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let is_bound = |letter: Option<&char>| letter.is_some_and(|letter| letter.is_whitespace() || *letter == '"');
    let mut quoted = String::with_capacity(text.len());
    let mut position = 0;
    while position < letters.len() {
        let letter = letters[position];
        let next = letters.get(position + 1);
        let opens_at_start = position == 0 && letter == '\'' && !is_bound(next);
        if opens_at_start {
            quoted.push('"');
            position += 1;
            continue;
        }
        let opens_after_space = letter.is_whitespace() && next == Some(&'\'') && !is_bound(letters.get(position + 2));
        if opens_after_space {
            quoted.push(letter);
            quoted.push('"');
            position += 2;
            continue;
        }
        let follows_text = position > 0 && !is_bound(letters.get(position - 1));
        let closes = letter == '\'' && follows_text && next.is_none_or(|next| next.is_whitespace());
        if !closes {
            quoted.push(letter);
            position += 1;
            continue;
        }
        quoted.push('"');
        quoted.extend(next);
        position += 2;
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_ports() {
        for (text, quoted) in [
            ("'bp'", "\"bp\""),
            (".x == 'a' and .y == 'b'", ".x == \"a\" and .y == \"b\""),
            ("test('a')", "test('a')"),
            ("(.Key=='Name')", "(.Key=='Name')"),
            ("'a' 'b'", "\"a\" 'b\""),
            ("\"rock 'n' roll\"", "\"rock \"n\" roll\""),
            ("'", "\""),
            ("", ""),
        ] {
            assert_eq!(with_double_quotes(text), quoted, "{text}");
        }
    }

    #[test]
    fn what_compiles_is_left_alone_and_errors_are_about_what_was_written() {
        assert_eq!(compile("\"rock 'n' roll\"").unwrap().text(), "\"rock 'n' roll\"");
        assert_eq!(compile("'bp'").unwrap().text(), "\"bp\"");
        assert!(compile("test('a')").is_err());
    }
}
