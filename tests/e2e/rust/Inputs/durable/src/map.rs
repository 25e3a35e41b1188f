// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! A hash map from numbers to numbers with a name, of chains of nodes. Each node is in
//! one chain or in the list of free nodes: it has one owner.
use crate::pool::{Persistent, LINE};
use crate::tx::{roll_back, Undo};
use crate::{mix, Pool, Tx, Word};
use std::mem::size_of;

const MAGIC: u64 = u64::from_le_bytes(*b"dur.map\0");

/// The longest name, bytes.
pub const NAME_MAX: usize = 16;

#[repr(C)]
struct Head {
    magic: Word,
    chains: Word, // a power of two
    nodes: Word,
    count: Word, // nodes in chains
    free: Word,  // link to the first free node
    spare: [Word; 3],
    undo: Undo,
}
unsafe impl Persistent for Head {}

/// One line. A link is 1 + the index of a node, or 0.
#[repr(C)]
struct Node {
    key: Word,
    value: Word,
    check: Word, // of key, value and name
    next: Word,
    name_at: Word, // offset in the pool
    name_size: Word,
    name: [Word; NAME_MAX / 8],
}
unsafe impl Persistent for Node {}
const _: () = assert!(size_of::<Node>() == LINE);

/// A map in a pool of its own.
pub struct Map {
    pool: Pool,
}

/// What a walk over the map has seen: the same for the same content.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    pub count: u64,
    pub sum: u64,
}

fn check(key: u64, value: u64, name: &str) -> u64 {
    name.bytes().fold(
        mix(key ^ mix(value)),
        |sum, byte| mix(sum ^ u64::from(byte)),
    )
}

impl Map {
    /// The size of a pool for `nodes` nodes, bytes.
    pub fn pool_size(nodes: u64) -> usize {
        let chains = nodes.next_power_of_two().max(8) as usize;
        size_of::<Head>() + chains * size_of::<Word>() + nodes as usize * size_of::<Node>()
    }

    /// Makes an empty map for at most `nodes` keys of a pool that holds nothing.
    pub fn create(pool: Pool, nodes: u64) -> Map {
        let map = Map { pool };
        let head = map.head();
        head.chains.set(nodes.next_power_of_two().max(8));
        head.nodes.set(nodes);
        head.free.set(u64::from(nodes != 0));
        for link in 1..nodes {
            map.node(link).next.set(link + 1);
            map.pool.flush(map.pool.offset(map.node(link)), LINE);
        }
        map.pool.persist(head);
        head.magic.set(MAGIC);
        map.pool.persist(&head.magic);
        map
    }

    /// Recovery: an update that a crash has cut off is undone.
    pub fn open(pool: Pool) -> Map {
        let map = Map { pool };
        assert_eq!(map.head().magic.get(), MAGIC, "no map");
        roll_back(&map.pool, &map.head().undo);
        map
    }

    fn head(&self) -> &Head {
        self.pool.at(0)
    }

    fn chain(&self, index: u64) -> &Word {
        self.pool
            .at(size_of::<Head>() as u64 + index * size_of::<Word>() as u64)
    }

    #[track_caller]
    fn node(&self, link: u64) -> &Node {
        let chains = self.head().chains.get() * size_of::<Word>() as u64;
        let nodes = size_of::<Head>() as u64 + chains;
        assert!(link <= self.head().nodes.get(), "link to nowhere: {link}");
        self.pool.at(nodes + (link - 1) * size_of::<Node>() as u64)
    }

    /// The word that links to the node of a key, or is 0 at the end of its chain.
    fn find(&self, key: u64) -> &Word {
        let mut at = self.chain(mix(key) & (self.head().chains.get() - 1));
        while at.get() != 0 {
            let node = self.node(at.get());
            if node.key.get() == key {
                break;
            }
            at = &node.next;
        }
        at
    }

    pub fn get(&self, key: u64) -> Option<u64> {
        match self.find(key).get() {
            0 => None,
            link => Some(self.node(link).value.get()),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> u64 {
        self.head().count.get()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a key in; returns whether it is new. Panics if the map is full or the name
    /// too long.
    pub fn insert(&mut self, key: u64, value: u64, name: &str) -> bool {
        assert!(name.len() <= NAME_MAX, "{name:?} is too long");
        let head = self.head();
        let mut tx = Tx::begin(&self.pool, &head.undo);
        let at = self.find(key);
        let is_new = at.get() == 0;
        if is_new {
            self.insert_new(&mut tx, at, (key, value), name);
        } else {
            let node = self.node(at.get());
            tx.set(&node.value, value);
            tx.set(&node.check, check(key, value, name));
            for word in [&node.name[0], &node.name[1], &node.name_at, &node.name_size] {
                tx.log(word);
            }
            self.set_name(&mut tx, node, name);
        }
        tx.commit();
        is_new
    }

    fn insert_new(&self, tx: &mut Tx, at: &Word, (key, value): (u64, u64), name: &str) {
        let head = self.head();
        let link = head.free.get();
        assert_ne!(link, 0, "the map is full");
        let node = self.node(link);
        tx.set(&head.free, node.next.get());
        // The link to the next free node is needed again if this is undone.
        tx.set(&node.next, 0);
        tx.set_fresh(&node.key, key);
        tx.set_fresh(&node.value, value);
        if cfg!(feature = "bug-box") {
            // A Box lives in the heap of this process: after a crash it is gone.
            let boxed = Box::new(check(key, value, name));
            node.check.set_address(Box::into_raw(boxed));
        } else {
            tx.set_fresh(&node.check, check(key, value, name));
        }
        self.set_name(tx, node, name);
        tx.set(at, link);
        if cfg!(feature = "bug-not-atomic") {
            // The transaction does not know of it: it stays when all else is undone.
            head.count.set(head.count.get() + 1);
            tx.changed(&head.count);
        } else {
            tx.set(&head.count, head.count.get() + 1);
        }
    }

    fn set_name(&self, tx: &mut Tx, node: &Node, name: &str) {
        if cfg!(feature = "bug-str") {
            // A &str is an address in this process: after a crash it points anywhere.
            node.name_at.set_address(name.as_ptr());
        } else {
            let mut bytes = [0; NAME_MAX];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            for (word, bytes) in node.name.iter().zip(bytes.chunks_exact(8)) {
                tx.set_fresh(word, u64::from_le_bytes(bytes.try_into().unwrap()));
            }
            tx.set_fresh(&node.name_at, self.pool.offset(&node.name[0]));
        }
        tx.set_fresh(&node.name_size, name.len() as u64);
    }

    fn name(&self, node: &Node) -> String {
        let size = node.name_size.get() as usize;
        assert!(size <= NAME_MAX, "name of {size} bytes");
        let at = node.name_at.get();
        if cfg!(feature = "bug-str") {
            // SAFETY: none. That is the bug.
            let bytes = unsafe { std::slice::from_raw_parts(at as *const u8, size) };
            return String::from_utf8_lossy(bytes).into_owned();
        }
        let words = [at, at + 8].map(|at| self.pool.at::<Word>(at).get().to_le_bytes());
        String::from_utf8_lossy(&words.concat()[..size]).into_owned()
    }

    fn node_check(node: &Node) -> u64 {
        let check = node.check.get();
        if cfg!(feature = "bug-box") {
            // SAFETY: none. That is the bug.
            return unsafe { (check as *const u64).read() };
        }
        check
    }

    /// Takes a key out; returns whether it was there.
    pub fn remove(&mut self, key: u64) -> bool {
        let head = self.head();
        let at = self.find(key);
        let link = at.get();
        if link == 0 {
            return false;
        }
        let node = self.node(link);
        let mut tx = Tx::begin(&self.pool, &head.undo);
        let next = node.next.get();
        if cfg!(feature = "bug-two-owners") {
            // Freed for good at once: an undo of the rest brings the node back into its
            // chain, and the next insertion takes it from the list of free nodes.
            node.next.set(head.free.get());
            self.pool.persist(node);
            head.free.set(link);
            self.pool.persist(&head.free);
        } else {
            tx.set(&node.next, head.free.get());
            tx.set(&head.free, link);
        }
        tx.set(at, next);
        tx.set(&head.count, head.count.get() - 1);
        tx.commit();
        true
    }

    /// Visits everything. Panics if something is not as it must be.
    pub fn verify(&self) -> Summary {
        let head = self.head();
        let mut owned = vec![false; head.nodes.get() as usize + 1];
        let mut own = |link: u64| {
            let owned = owned.get_mut(link as usize);
            let owned = owned.unwrap_or_else(|| panic!("link to nowhere: {link}"));
            assert!(!*owned, "node {link} has two owners");
            *owned = true;
        };
        let mut free = head.free.get();
        while free != 0 {
            own(free);
            free = self.node(free).next.get();
        }
        let mut summary = Summary { count: 0, sum: 0 };
        for chain in 0..head.chains.get() {
            let mut link = self.chain(chain).get();
            while link != 0 {
                own(link);
                let node = self.node(link);
                let (key, value) = (node.key.get(), node.value.get());
                let name = self.name(node);
                assert_eq!(
                    Map::node_check(node),
                    check(key, value, &name),
                    "the node of key {key} is damaged"
                );
                assert_eq!(mix(key) & (head.chains.get() - 1), chain);
                summary.count += 1;
                summary.sum = summary.sum.wrapping_add(check(key, value, &name));
                link = node.next.get();
            }
        }
        assert_eq!(summary.count, head.count.get(), "the count is wrong");
        summary
    }
}
