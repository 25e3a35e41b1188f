// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//! One thread makes a cell of a pool ready and tells another one by what the standard
//! library has for it: `waiting KIND POOL`. With the feature `buggy` it tells too early.
use std::arch::x86_64::_mm_clflush;
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::sync::atomic::{fence, AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

const BUGGY: bool = cfg!(feature = "buggy");
const SIZE: usize = 4096;
const LONG: Duration = Duration::from_secs(60);

extern "C" {
    fn mmap(at: *mut u8, size: usize, access: i32, flags: i32, file: i32, from: i64) -> *mut u8;
}

/// The first word of the pool.
#[derive(Clone, Copy)]
struct Cell(*mut u64);
// SAFETY: whether the threads take turns is what is looked at.
unsafe impl Send for Cell {}
unsafe impl Sync for Cell {}

impl Cell {
    fn map(path: &str) -> Cell {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).expect("the pool cannot be opened");
        file.set_len(SIZE as u64).expect("the pool cannot be sized");
        // SAFETY: a new mapping of a file that is open; readable, writable, shared.
        let at = unsafe { mmap(std::ptr::null_mut(), SIZE, 3, 1, file.as_raw_fd(), 0) };
        assert!(at as isize != -1, "the pool cannot be mapped");
        Cell(at.cast())
    }

    fn put(&self) {
        // SAFETY: mapped as long as the process lives.
        unsafe {
            *self.0 += 1;
            _mm_clflush(self.0.cast());
        }
    }
}

/// A flag that orders nothing, with no neighbours that might.
#[repr(align(64))]
struct Flag(AtomicBool);

impl Flag {
    const fn new() -> Flag {
        Flag(AtomicBool::new(false))
    }
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    fn wait(&self) {
        while !self.0.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    }
}

/// Both threads are there: one that has ended has told everything to who made it.
/// Orders nothing.
struct Meeting(AtomicU32);

impl Meeting {
    fn meet(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        while self.0.load(Ordering::Relaxed) < 2 {
            thread::yield_now();
        }
    }
}

/// Runs both; the first one is done when it tells, or, if it is buggy, not yet.
fn message(cell: Cell, tell: impl FnOnce() + Send, wait: impl FnOnce() + Send) {
    let meeting = &Meeting(AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(move || {
            let cell = cell;
            meeting.meet();
            if !BUGGY {
                cell.put();
            }
            tell();
            if BUGGY {
                cell.put();
            }
        });
        scope.spawn(move || {
            let cell = cell;
            meeting.meet();
            wait();
            if BUGGY {
                // Until the other one is through: nothing else orders them.
                thread::sleep(Duration::from_millis(100));
            }
            cell.put();
        });
    });
}

/// Both a number of times, under a lock, often while the other one has it.
fn in_turns(cell: Cell, turn: impl Fn(&dyn Fn()) + Sync) {
    let meeting = Meeting(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                meeting.meet();
                for _ in 0..200 {
                    if BUGGY {
                        cell.put();
                    } else {
                        turn(&|| {
                            cell.put();
                            thread::yield_now();
                        });
                    }
                }
            });
        }
    });
}

/// The second thread comes while the first one is at it, and waits for it; `done` says
/// that the first one is through, for who is to come after.
fn once(cell: Cell, late: bool, make: impl Fn(&dyn Fn()) + Sync) {
    let making = Flag::new();
    let through = Flag::new();
    let at_it = || {
        cell.put();
        making.set();
        thread::sleep(Duration::from_millis(if late { 0 } else { 100 }));
    };
    let meeting = Meeting(AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            meeting.meet();
            make(&at_it);
            if BUGGY {
                cell.put();
            }
            through.set();
        });
        scope.spawn(|| {
            meeting.meet();
            if late { &through } else { &making }.wait();
            make(&at_it);
            cell.put();
        });
    });
}

/// The second thread parks; `early`: what it waits for has come by then.
fn park(cell: Cell, early: bool, park: impl FnOnce() + Send) {
    let (to, from) = channel();
    let told = &Flag::new();
    message(
        cell,
        move || {
            let other: thread::Thread = from.recv().expect("the other one is there");
            if !early {
                thread::sleep(Duration::from_millis(100));
            }
            other.unpark();
            told.set();
        },
        move || {
            to.send(thread::current()).expect("the first one is there");
            if early {
                told.wait();
            }
            park();
        },
    );
}

fn condition(cell: Cell, timed: bool) {
    let pair = (Mutex::new(false), Condvar::new());
    message(
        cell,
        || {
            thread::sleep(Duration::from_millis(50));
            *pair.0.lock().unwrap() = true;
            pair.1.notify_one();
        },
        || {
            let mut told = pair.0.lock().unwrap();
            while !*told {
                told = if timed {
                    pair.1.wait_timeout(told, LONG).unwrap().0
                } else {
                    pair.1.wait(told).unwrap()
                };
            }
        },
    );
}

fn barrier(cell: Cell, leader: bool) {
    let barrier = Barrier::new(2);
    let pause = |first: bool| {
        if first == leader {
            thread::sleep(Duration::from_millis(50));
        }
        barrier.wait();
    };
    message(cell, || pause(true), || pause(false));
}

fn joined(cell: Cell) {
    let other = thread::spawn(move || {
        let cell = cell;
        thread::sleep(Duration::from_millis(50));
        cell.put();
    });
    if BUGGY {
        cell.put();
    }
    other.join().unwrap();
    cell.put();
}

/// Who drops the last reference comes after all that others did before they dropped
/// theirs.
fn shared(cell: Cell) {
    let one = Arc::new(0);
    let two = Arc::clone(&one);
    message(
        cell,
        || drop(one),
        || {
            while Arc::strong_count(&two) != 1 {
                thread::yield_now();
            }
            drop(two);
        },
    );
}

fn spin(cell: Cell) {
    let word = AtomicU32::new(0);
    message(
        cell,
        || {
            fence(Ordering::Release);
            word.store(1, Ordering::Relaxed);
        },
        || {
            while word.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            fence(Ordering::Acquire);
        },
    );
}

static LAZY_CELL: OnceLock<Cell> = OnceLock::new();
static LAZY_MAKING: Flag = Flag::new();
static LAZY: LazyLock<u32> = LazyLock::new(|| {
    LAZY_CELL.get().unwrap().put();
    LAZY_MAKING.set();
    thread::sleep(Duration::from_millis(100));
    1
});

fn lazy(cell: Cell) {
    let meeting = &Meeting(AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(move || {
            let cell = cell;
            meeting.meet();
            assert!(*LAZY == 1);
            if BUGGY {
                cell.put();
            }
        });
        scope.spawn(move || {
            let cell = cell;
            meeting.meet();
            LAZY_MAKING.wait();
            assert!(*LAZY == 1);
            cell.put();
        });
    });
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let cell = Cell::map(&arguments[2]);
    // What is made when it is used first is made by this thread.
    LAZY_CELL.get_or_init(|| cell);
    match arguments[1].as_str() {
        "mutex" => {
            let mutex = Mutex::new(());
            in_turns(cell, |work| {
                let _guard = mutex.lock().unwrap();
                work();
            });
        }
        "try-lock" => {
            let mutex = Mutex::new(());
            in_turns(cell, |work| loop {
                if let Ok(_guard) = mutex.try_lock() {
                    return work();
                }
                thread::yield_now();
            });
        }
        "rwlock" => {
            let lock = RwLock::new(());
            in_turns(cell, |work| {
                drop(lock.read().unwrap());
                let _guard = lock.write().unwrap();
                work();
            });
        }
        "condition" => condition(cell, false),
        "condition-timed" => condition(cell, true),
        "once" | "once-late" => {
            let flag = Once::new();
            once(cell, arguments[1] == "once-late", |make| {
                flag.call_once(make)
            });
        }
        "once-lock" | "once-lock-late" => {
            let lock = OnceLock::new();
            once(cell, arguments[1] == "once-lock-late", |make| {
                lock.get_or_init(make);
            });
        }
        "once-wait" => {
            let flag = Once::new();
            message(
                cell,
                || flag.call_once(|| thread::sleep(LONG / 600)),
                || flag.wait(),
            );
        }
        "lazy" => lazy(cell),
        "barrier" => barrier(cell, false),
        "barrier-leader" => barrier(cell, true),
        "park" => park(cell, false, thread::park),
        "park-early" => park(cell, true, thread::park),
        "park-timed" => park(cell, false, || thread::park_timeout(LONG)),
        "channel" => {
            let (to, from) = channel();
            message(
                cell,
                move || to.send(()).unwrap(),
                move || from.recv().unwrap(),
            );
        }
        "rendezvous" => {
            let (to, from) = sync_channel(0);
            message(
                cell,
                move || to.send(()).unwrap(),
                move || from.recv().unwrap(),
            );
        }
        "hang-up" => {
            let (to, from) = channel::<()>();
            message(
                cell,
                move || drop(to),
                move || assert!(from.recv_timeout(LONG).is_err()),
            );
        }
        "join" => joined(cell),
        "arc" => shared(cell),
        "fences" => spin(cell),
        other => panic!("no kind {other}"),
    }
}
