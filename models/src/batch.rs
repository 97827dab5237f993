//! Cuts many texts into batches of bounded size.
//!
//! It does not pad and does not compute: it only says which text goes where.

/// How large a batch may be. A text beyond a limit is a batch of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// Tokens of the texts together; for who pads, each text counts as the longest beside it.
    pub(crate) tokens: usize,
    /// Pairs of tokens of one text that are held at once, where each text is padded to the longest beside it.
    pub(crate) padded_pairs: Option<usize>,
}

impl Limit {
    /// Says whether so many texts fit together.
    fn allows(self, texts: usize, longest: usize, tokens: usize) -> bool {
        match self.padded_pairs {
            None => tokens <= self.tokens,
            Some(pairs) => texts * longest <= self.tokens && (texts * longest).saturating_mul(longest) <= pairs,
        }
    }
}

/// Returns batches of text numbers, longest texts first, each batch within the limit.
///
/// Texts of like length meet in a batch, so whoever pads wastes little.
pub(crate) fn cut(lengths: &[usize], limit: Limit) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&text| std::cmp::Reverse(lengths[text]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for text in order {
        tokens += lengths[text];
        match batches.last_mut() {
            Some(batch) if limit.allows(batch.len() + 1, lengths[batch[0]], tokens) => batch.push(text),
            _ => {
                tokens = lengths[text];
                batches.push(vec![text]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokens: usize) -> Limit {
        Limit { tokens, padded_pairs: None }
    }

    #[test]
    fn batches_hold_every_text_once_and_respect_the_limit() {
        let lengths: Vec<usize> = (0..500).map(|i| 2 + (i * 7919) % 255).collect();
        for limit in [tokens(512), Limit { tokens: 512, padded_pairs: Some(20_000) }] {
            let batches = cut(&lengths, limit);
            let mut seen: Vec<usize> = batches.iter().flatten().copied().collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..500).collect::<Vec<_>>());
            assert!(batches.iter().all(|batch| batch.iter().map(|&text| lengths[text]).sum::<usize>() <= 512));
        }
    }

    #[test]
    fn a_text_beyond_the_limit_stands_alone() {
        assert_eq!(cut(&[3, 900, 4], tokens(512)), vec![vec![1], vec![2, 0]]);
        assert_eq!(cut(&[], tokens(512)), Vec::<Vec<usize>>::new());
    }

    /// Padding to a long text once made a batch of many short ones as large as if all were long.
    #[test]
    fn padding_counts() {
        let limit = |tokens, pairs| Limit { tokens, padded_pairs: Some(pairs) };
        assert_eq!(cut(&[90, 2, 2, 2], limit(180, 1 << 20)), vec![vec![0, 1], vec![2, 3]]);
        assert_eq!(cut(&[90, 90, 2, 2], limit(1_000, 8_100)), vec![vec![0], vec![1], vec![2, 3]]);
        assert_eq!(cut(&[900, 3, 3], limit(512, 1_000)), vec![vec![0], vec![1, 2]]);
    }
}
