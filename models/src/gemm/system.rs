//! What has to be asked of the operating system: large pages, leave to use the tile registers, and a lower priority.
//!
//! All are requests: where they are refused, or on another system, the callers do without.

use std::mem::MaybeUninit;

/// Asks that large pages hold the whole ones among these bytes, before anybody writes to them.
///
/// A short query reads all weights once; with small pages it waits for an address translation every 4 KiB.
pub(crate) fn ask_for_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    const HUGE_PAGE_BYTES: usize = 2 << 20;
    let start = memory.as_ptr().addr().next_multiple_of(HUGE_PAGE_BYTES);
    let end = (memory.as_ptr().addr() + size_of_val(memory)) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    if start < end {
        advise_huge_pages(start, end - start);
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn advise_huge_pages(start: usize, bytes: usize) {
    const MADVISE: usize = 28;
    const HUGE_PAGES: usize = 14;
    // SAFETY: the advice changes how whole pages inside memory of ours are mapped, never what they hold.
    unsafe { call(MADVISE, start, bytes, HUGE_PAGES) };
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn advise_huge_pages(_start: usize, _bytes: usize) {}

/// Asks leave for this process to use the tile registers, and says whether it was given.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) fn allow_tiles() -> bool {
    const ARCH_PRCTL: usize = 158;
    const REQUEST_FEATURE: usize = 0x1023;
    const TILE_DATA: usize = 18;
    // SAFETY: the call only enlarges what the system saves of this process's registers.
    unsafe { call(ARCH_PRCTL, REQUEST_FEATURE, TILE_DATA, 0) == 0 }
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
pub(crate) fn allow_tiles() -> bool {
    false
}

/// Asks that the calling thread, and the threads it starts, give way to the others by so many steps of niceness.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) fn give_way(steps: usize) {
    const GET_PRIORITY: usize = 140;
    const SET_PRIORITY: usize = 141;
    const OF_THREAD: usize = 0;
    const CALLING: usize = 0;
    const NICEST: isize = 19;
    // SAFETY: both calls only concern how the system schedules this thread.
    unsafe {
        // The system answers 20 less the niceness, so that no answer looks like an error.
        let found = call(GET_PRIORITY, OF_THREAD, CALLING, 0);
        if found > 0 {
            let niceness = (20 - found).saturating_add_unsigned(steps).min(NICEST);
            call(SET_PRIORITY, OF_THREAD, CALLING, niceness.cast_unsigned());
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub(crate) fn give_way(_steps: usize) {}

/// Makes a system call with three arguments.
///
/// # Safety
/// The call must be sound with these arguments.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
unsafe fn call(number: usize, first: usize, second: usize, third: usize) -> isize {
    let result;
    // SAFETY: the caller vouches for the call; the kernel changes no register but those named.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use super::*;

    fn niceness() -> Option<isize> {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(16)?.parse().ok()
    }

    #[test]
    fn a_thread_that_gives_way_passes_it_on_to_those_it_starts() {
        let before = niceness().unwrap();
        let (own, started) = std::thread::spawn(|| {
            give_way(3);
            (niceness(), std::thread::spawn(niceness).join().unwrap())
        })
        .join()
        .unwrap();
        assert_eq!((own, started), (Some((before + 3).min(19)), Some((before + 3).min(19))));
        assert_eq!(niceness(), Some(before));
    }
}
