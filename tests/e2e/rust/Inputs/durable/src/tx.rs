// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! Transactions by an undo log in the pool: the old content of a word is durable there
//! before the word is changed.
use crate::pool::{Persistent, LINE};
use crate::{Pool, Word};
use std::collections::BTreeSet;
use std::mem::size_of;

const ENTRIES: usize = 31;

#[repr(C)]
struct Entry {
    offset: Word,
    old: Word,
}

/// The undo log: entries from 0 to `count` are undone, last first.
#[repr(C)]
pub struct Undo {
    count: Word,
    spare: [Word; 7],
    entries: [Entry; ENTRIES],
    end: [Word; 2],
}
unsafe impl Persistent for Entry {}
unsafe impl Persistent for Undo {}

/// Lines that a transaction has changed, by their offset.
type Lines = BTreeSet<u64>;

/// A transaction: it is undone when it is dropped, by a panic for instance, unless it
/// was committed.
pub struct Tx<'p> {
    pool: &'p Pool,
    undo: &'p Undo,
    lines: Lines,
    committed: bool,
}

impl<'p> Tx<'p> {
    pub fn begin(pool: &'p Pool, undo: &'p Undo) -> Tx<'p> {
        Tx {
            pool,
            undo,
            lines: Lines::new(),
            committed: false,
        }
    }

    /// Changes a word; a crash before the commit restores it.
    pub fn set(&mut self, word: &Word, value: u64) {
        self.log(word);
        self.set_fresh(word, value);
    }

    /// Notes the content of a word, for it to be restored.
    pub fn log(&mut self, word: &Word) {
        let index = self.undo.count.get();
        let entry = &self.undo.entries[index as usize];
        entry.offset.set(self.pool.offset(word));
        entry.old.set(word.get());
        self.pool.persist(entry);
        self.undo.count.set(index + 1);
        self.pool.persist(&self.undo.count);
    }

    /// Changes a word of an object that nothing refers to without this transaction.
    pub fn set_fresh(&mut self, word: &Word, value: u64) {
        word.set(value);
        self.changed(word);
    }

    /// The commit makes the line of this word durable.
    pub fn changed(&mut self, word: &Word) {
        self.lines
            .insert(self.pool.offset(word) & !(LINE as u64 - 1));
    }

    /// Makes all changes durable at once.
    pub fn commit(mut self) {
        persist_lines(self.pool, &self.lines);
        self.undo.count.set(0);
        self.pool.persist(&self.undo.count);
        self.committed = true;
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if !self.committed {
            roll_back(self.pool, self.undo);
        }
    }
}

fn persist_lines(pool: &Pool, lines: &Lines) {
    for line in lines {
        pool.flush(*line, LINE);
    }
    pool.fence();
}

/// Undoes what a transaction left that did not come to its end. Recovery begins so.
pub fn roll_back(pool: &Pool, undo: &Undo) {
    let count = undo.count.get();
    if count == 0 {
        return;
    }
    let mut lines = Lines::new();
    assert!(count as usize <= ENTRIES, "undo log of {count} entries");
    for entry in undo.entries[..count as usize].iter().rev() {
        let offset = entry.offset.get();
        pool.at::<Word>(offset).set(entry.old.get());
        lines.insert(offset & !(LINE as u64 - 1));
    }
    persist_lines(pool, &lines);
    undo.count.set(0);
    pool.persist(&undo.count);
}

const _: () = assert!(size_of::<Undo>() & (LINE - 1) == 0);
