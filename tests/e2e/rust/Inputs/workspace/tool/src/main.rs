// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! tool PATH: unwinds past a store that is never flushed, unless `fixed`.
use std::path::Path;
use store::Store;

/// An allocator of the crate's own: memory is handed out once.
#[cfg(feature = "own-allocator")]
mod allocator {
    use std::alloc::{GlobalAlloc, Layout};
    use std::cell::UnsafeCell;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    const SIZE: usize = 1 << 22;

    #[repr(align(4096))]
    pub struct Arena(UnsafeCell<[u8; SIZE]>, AtomicUsize);
    unsafe impl Sync for Arena {}

    unsafe impl GlobalAlloc for Arena {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let size = layout.size() + layout.align();
            let start = self.1.fetch_add(size, Relaxed);
            if start + size > SIZE {
                return std::ptr::null_mut();
            }
            let at = self.0.get() as usize + start;
            ((at + layout.align() - 1) & !(layout.align() - 1)) as *mut u8
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static ARENA: Arena = Arena(UnsafeCell::new([0; SIZE]), AtomicUsize::new(0));

    pub fn used() -> usize {
        ARENA.1.load(Relaxed)
    }
}

fn set_line(store: &mut Store, line: usize) {
    if cfg!(feature = "fixed") {
        store.set(line, 5);
    } else {
        store.set_only(line, 5);
    }
    if line == 2 {
        panic!("line two");
    }
}

fn main() {
    println!("unstable: {}", store::UNSTABLE);
    let path = std::env::args().nth(1).expect("usage: tool PATH");
    let mut store = Store::open(Path::new(&path));
    if cfg!(panic = "unwind") {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            set_line(&mut store, 1);
            if cfg!(not(feature = "fixed")) {
                store.copy_only(3, "8 bytes.".as_bytes());
            }
            set_line(&mut store, 2);
        }));
        let message = *result.unwrap_err().downcast::<&str>().unwrap();
        println!("caught: {message}");
    } else {
        set_line(&mut store, 1);
    }
    #[cfg(feature = "own-allocator")]
    println!("own allocator: {}", allocator::used() > 0);
}
