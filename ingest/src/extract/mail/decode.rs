//! Undoes the transfer encodings of mail: base64 and quoted-printable.
//!
//! Passes over what does not belong, as mail programs do, since gateways break and add lines.

/// Decodes base64 up to its padding.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in bytes {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count) as u8);
        }
    }
    decoded
}

/// Decodes quoted-printable; in a header's word, `_` is a space.
pub(super) fn quoted_printable(bytes: &[u8], is_word: bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'=' => {
                let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                // A line that ends in the sign goes on in the next one.
                let end = after.iter().position(|byte| *byte == b'\n');
                let end = end.filter(|end| after[..*end].trim_ascii().is_empty());
                match (hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()), end) {
                    (Some(byte), _) => {
                        decoded.push(byte);
                        rest = &after[2..];
                    }
                    (None, Some(end)) => rest = &after[end + 1..],
                    (None, None) => decoded.push(b'='),
                }
            }
            b'_' if is_word => decoded.push(b' '),
            byte => decoded.push(*byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_padding_and_strange_characters_do_no_harm() {
        assert_eq!(base64(b"5bm0\r\n5YGH"), "年假".as_bytes());
        assert_eq!(base64(b"aGk=\n"), b"hi");
        assert_eq!(base64(b"a!G k"), b"hi");
        assert_eq!(quoted_printable(b"h=C3=B6he =\r\n=3D 1=ZZ", false), "höhe = 1=ZZ".as_bytes());
        assert_eq!(quoted_printable(b"a_b=5F", true), b"a b_");
    }
}
