//! The counted terms of one text: what analysis hands to the index, made outside the index's lock.
//!
//! It keeps how often a term occurs, not where.

/// The distinct terms of one text, each with how often it occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analyzed {
    /// The terms one after another, in byte order.
    letters: String,
    counts: Vec<Count>,
    length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    /// Where the term ends in `letters`; it begins where the one before it ends.
    end: usize,
    occurrences: u32,
}

impl Analyzed {
    /// Returns each distinct term with how often it occurs, in byte order of the terms.
    pub fn terms(&self) -> impl Iterator<Item = (&str, u32)> {
        let starts = std::iter::once(0).chain(self.counts.iter().map(|count| count.end));
        starts.zip(&self.counts).map(|(start, count)| (&self.letters[start..count.end], count.occurrences))
    }

    /// Returns the number of terms with repetitions: the length that BM25 weighs a document by.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// Returns true when the text holds nothing to search by.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// Collects the terms of a text in the order of the text, repetitions included.
#[derive(Debug)]
pub struct TermCollector {
    letters: String,
    starts: Vec<usize>,
}

impl TermCollector {
    /// Creates a collector with room for the terms of a text of about that many bytes.
    pub fn with_capacity(text_bytes: usize) -> Self {
        Self { letters: String::with_capacity(text_bytes), starts: Vec::with_capacity(text_bytes / 6) }
    }

    /// Adds one term.
    pub fn push(&mut self, term: &str) {
        self.starts.push(self.letters.len());
        self.letters.push_str(term);
    }

    /// Adds one term in small letters, given in ASCII.
    pub fn push_ascii_lowercase(&mut self, term: &str) {
        self.push(term);
        let start = self.letters.len() - term.len();
        self.letters[start..].make_ascii_lowercase();
    }

    /// Adds one term that is given by its characters.
    pub fn push_chars(&mut self, term: impl Iterator<Item = char>) {
        self.starts.push(self.letters.len());
        self.letters.extend(term);
    }

    /// Returns the distinct terms with their counts.
    pub fn count(mut self) -> Analyzed {
        let length = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
        self.starts.push(self.letters.len());
        let term = |ends: &[usize]| &self.letters[ends[0]..ends[1]];
        let mut terms: Vec<(u64, &str)> =
            self.starts.windows(2).map(|ends| (first_letters(term(ends)), term(ends))).collect();
        terms.sort_unstable();
        let mut analyzed = Analyzed { length, ..Analyzed::default() };
        for same in terms.chunk_by(|a, b| a == b) {
            analyzed.letters.push_str(same[0].1);
            let occurrences = u32::try_from(same.len()).unwrap_or(u32::MAX);
            analyzed.counts.push(Count { end: analyzed.letters.len(), occurrences });
        }
        analyzed
    }
}

/// Returns the first eight bytes of a term as a number that orders terms as their bytes do, as far as it reaches.
fn first_letters(term: &str) -> u64 {
    let mut first = [0; 8];
    let length = term.len().min(8);
    first[..length].copy_from_slice(&term.as_bytes()[..length]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_terms_are_counted_once_each_in_byte_order() {
        let mut collector = TermCollector::with_capacity(16);
        for term in ["wing", "flow", "wing", "年"] {
            collector.push(term);
        }
        let analyzed = collector.count();
        assert_eq!(analyzed.terms().collect::<Vec<_>>(), [("flow", 1), ("wing", 2), ("年", 1)]);
        assert_eq!(analyzed.length(), 4);
    }

    #[test]
    fn no_terms_make_an_empty_result() {
        let analyzed = TermCollector::with_capacity(0).count();
        assert!(analyzed.is_empty());
        assert_eq!(analyzed, Analyzed::default());
    }
}
