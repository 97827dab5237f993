//! Cuts many texts into batches of a bounded number of tokens.
//!
//! It does not pad and does not compute: it only says which text goes where.

/// Returns batches of text numbers, longest texts first, each batch with at most `tokens_max` tokens.
///
/// Texts of like length meet in a batch, so whoever pads wastes little. A text longer than the limit is a batch of its
/// own.
pub(crate) fn cut(lengths: &[usize], tokens_max: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&text| std::cmp::Reverse(lengths[text]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut tokens = usize::MAX;
    for text in order {
        tokens = tokens.saturating_add(lengths[text]);
        match batches.last_mut() {
            Some(batch) if tokens <= tokens_max => batch.push(text),
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

    #[test]
    fn batches_hold_every_text_once_and_respect_the_limit() {
        let lengths: Vec<usize> = (0..500).map(|i| 2 + (i * 7919) % 255).collect();
        let batches = cut(&lengths, 512);
        let mut seen: Vec<usize> = batches.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        assert!(batches.iter().all(|batch| batch.iter().map(|&text| lengths[text]).sum::<usize>() <= 512));
    }

    #[test]
    fn a_text_beyond_the_limit_stands_alone() {
        assert_eq!(cut(&[3, 900, 4], 512), vec![vec![1], vec![2, 0]]);
        assert_eq!(cut(&[], 512), Vec::<Vec<usize>>::new());
    }
}
