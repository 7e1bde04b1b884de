//! Identifiers that Port would reject, rewritten by one rule.

use sha2::{Digest, Sha256};

/// Port's API: an entity identifier has at most 1,000 characters.
const LONGEST: usize = 1000;
/// Hexadecimal digits of the hash that tells rewritten identifiers apart.
const HASH_DIGITS: usize = 10;

/// The identifier as Port takes it.
///
/// One that Port takes is left alone. In any other, what Port rejects becomes `-`, and a short hash of the original is
/// appended, so that two different identifiers stay different.
pub fn to_port_identifier(identifier: &str) -> String {
    if is_accepted(identifier) {
        return identifier.to_owned();
    }
    let digest = Sha256::digest(identifier);
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let readable = identifier.chars().map(|letter| if is_accepted_char(letter) { letter } else { '-' });
    let readable: String = readable.take(LONGEST - HASH_DIGITS - 1).collect();
    format!("{readable}-{}", &hash[..HASH_DIGITS])
}

/// Port's API: `^(?!\.{1,2}$)[\p{L}0-9@_.+:\\/=-]+$`.
fn is_accepted(identifier: &str) -> bool {
    let length = identifier.chars().count();
    length > 0
        && length <= LONGEST
        && identifier != "."
        && identifier != ".."
        && identifier.chars().all(is_accepted_char)
}

fn is_accepted_char(letter: char) -> bool {
    // `char::is_alphabetic` also has letter-like numbers and marks, which `\p{L}` has not: beyond ASCII only what is
    // surely a letter passes.
    letter.is_ascii_alphanumeric()
        || "@_.+:\\/=-".contains(letter)
        || (!letter.is_ascii() && (letter.is_lowercase() || letter.is_uppercase()) && !is_cased_sign(letter))
}

/// What Unicode gives a case although it is no letter: a mark, Roman numerals, and letters in circles and squares.
fn is_cased_sign(character: char) -> bool {
    matches!(character, '\u{345}' | 'Ⅰ'..='ⅿ' | 'Ⓐ'..='ⓩ' | '\u{1f130}'..='\u{1f189}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_port_takes_is_left_alone() {
        for identifier in ["arn:aws:s3:::bucket", "111111111111", "a/b=c@d+e_f", "größe"] {
            assert_eq!(to_port_identifier(identifier), identifier);
        }
    }

    #[test]
    fn what_port_rejects_becomes_acceptable_and_stays_distinct() {
        let long = "x".repeat(LONGEST + 1);
        let longer = "x".repeat(LONGEST + 2);
        let rejected =
            ["Ⅷ", "ⅷ", "Ⓐ", "ⓩ", "\u{345}", "🄰", "a b", "a,b", "a*b", "fn:$LATEST", ".", "..", "a#b", &long, &longer];
        let rewritten: std::collections::BTreeSet<String> =
            rejected.iter().map(|identifier| to_port_identifier(identifier)).collect();
        assert_eq!(rewritten.len(), rejected.len());
        assert!(rewritten.iter().all(|identifier| is_accepted(identifier)), "{rewritten:?}");
        assert_eq!(to_port_identifier("a b"), to_port_identifier("a b"));
    }
}
