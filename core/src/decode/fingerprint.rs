//! Names for what has no name of its own: a digest that is the same for the same bytes, whenever
//! they come. It knows nothing of what the bytes mean.

use sha2::{Digest, Sha256};

use crate::domain::Timestamp;

/// The first half of the SHA-256 of `bytes`, in 32 hexadecimal digits.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    digits(Sha256::new_with_prefix(bytes))
}

/// [`fingerprint`] of a list of texts. Each counts with its length, so that no two lists run into
/// the same bytes.
pub(super) fn fingerprint_of_texts(texts: &[&str]) -> String {
    digits(texts.iter().fold(Sha256::new(), |hash, text| {
        hash.chain_update((text.len() as u64).to_le_bytes()).chain_update(text)
    }))
}

/// The identity of an element of the evidence: where it is from, when it happened, and a digest of
/// what it says. The time stands first, so that what comes together lies together in an index.
pub(super) fn identity(prefix: &str, at: Timestamp, fingerprint: &str) -> String {
    format!("{prefix}:{:011x}:{fingerprint}", at.as_millis().max(0))
}

fn digits(hash: Sha256) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let half = &hash.finalize()[..16];
    half.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, fingerprint_of_texts};

    #[test]
    fn it_is_the_first_half_of_a_sha_256() {
        // The standard's own example (FIPS 180-4).
        assert_eq!(fingerprint(b"abc"), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn lists_that_join_to_the_same_text_are_told_apart() {
        let lists: [&[&str]; 4] = [&["ab", "c"], &["a", "bc"], &["abc"], &["abc", ""]];
        let names: std::collections::BTreeSet<_> =
            lists.into_iter().map(fingerprint_of_texts).collect();
        assert_eq!(names.len(), lists.len());
    }
}
