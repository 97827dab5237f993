//! Neighbour lists of a fixed size, one behind the other.
//!
//! Knows no order and no distance; whoever fills a list decides both.

/// Fills the unused end of a list. It is no row: rows are below 2^31.
pub const NONE: u32 = u32::MAX;

/// Lists of at most `degree` numbers, one for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    degree: usize,
    ids: Vec<u32>,
}

impl Lists {
    /// Makes empty lists.
    pub fn new(rows: usize, degree: usize) -> Self {
        Self { degree, ids: vec![NONE; rows * degree] }
    }

    /// Returns the most numbers a list can hold.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Returns the number of lists.
    pub fn rows(&self) -> usize {
        self.ids.len() / self.degree
    }

    /// Returns all lists, filled up with [`NONE`].
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Returns all lists for filling them in place.
    pub fn ids_mut(&mut self) -> &mut [u32] {
        &mut self.ids
    }

    /// Returns the numbers in one list.
    pub fn get(&self, row: u32) -> &[u32] {
        let list = &self.ids[row as usize * self.degree..][..self.degree];
        &list[..list.iter().position(|&id| id == NONE).unwrap_or(self.degree)]
    }

    /// Replaces one list by the first numbers of another.
    pub fn put(&mut self, row: u32, ids: &[u32]) {
        fill(&mut self.ids[row as usize * self.degree..][..self.degree], ids);
    }

    /// Adds to the end of a list and returns whether there was room.
    pub fn push(&mut self, row: u32, id: u32) -> bool {
        let used = self.get(row).len();
        let room = used < self.degree;
        if room {
            self.ids[row as usize * self.degree + used] = id;
        }
        room
    }

    /// Puts a number at the end of a list, in place of the last one if it is full, and returns that one.
    pub fn replace_last(&mut self, row: u32, id: u32) -> Option<u32> {
        if self.push(row, id) {
            return None;
        }
        Some(std::mem::replace(&mut self.ids[(row as usize + 1) * self.degree - 1], id))
    }

    /// Returns for each row the rows whose lists name it, in rising order.
    pub fn reversed(&self) -> Reversed {
        let mut starts = vec![0u32; self.rows() + 1];
        self.ids.iter().filter(|&&id| id != NONE).for_each(|&id| starts[id as usize + 1] += 1);
        (0..self.rows()).for_each(|row| starts[row + 1] += starts[row]);
        let mut next = starts.clone();
        let mut ids = vec![0; starts[self.rows()] as usize];
        for row in 0..self.rows() as u32 {
            for &id in self.get(row) {
                ids[next[id as usize] as usize] = row;
                next[id as usize] += 1;
            }
        }
        Reversed { starts, ids }
    }
}

/// For each row, the rows whose lists name it.
#[derive(Debug)]
pub struct Reversed {
    starts: Vec<u32>,
    ids: Vec<u32>,
}

impl Reversed {
    /// Returns the rows whose lists name this one.
    pub fn get(&self, row: u32) -> &[u32] {
        &self.ids[self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize]
    }
}

/// Writes a list, cut or filled up to the size of its place.
pub fn fill(place: &mut [u32], ids: &[u32]) {
    let used = ids.len().min(place.len());
    place[..used].copy_from_slice(&ids[..used]);
    place[used..].fill(NONE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_numbers_and_their_size() {
        let mut lists = Lists::new(3, 2);
        lists.put(0, &[1, 2, 0]);
        assert!(lists.push(2, 0) && lists.push(2, 1) && !lists.push(2, 2));
        assert_eq!((lists.get(0), lists.get(1), lists.get(2)), (&[1, 2][..], &[][..], &[0, 1][..]));
        assert_eq!((lists.replace_last(0, 7), lists.replace_last(1, 7)), (Some(2), None));
        assert_eq!(lists.get(0), [1, 7]);
    }

    #[test]
    fn reversed_lists_name_who_names_a_row() {
        let mut lists = Lists::new(3, 2);
        lists.put(0, &[1, 2]);
        lists.put(2, &[1]);
        let reversed = lists.reversed();
        assert_eq!((reversed.get(0), reversed.get(1), reversed.get(2)), (&[][..], &[0, 2][..], &[0][..]));
    }
}
