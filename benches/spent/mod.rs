//! Processor time of threads, by the scheduler's own count.

use std::fs;
use std::time::Duration;

/// What the threads of a process (its number, or `self`) have spent: those of this name, or all.
pub(crate) fn spent(process: &str, name: Option<&str>) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let counted = threads.map(|task| task.unwrap().path()).filter(|task| {
        name.is_none_or(|name| {
            fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name)
        })
    });
    let spent = counted.map(|task| {
        let text = fs::read_to_string(task.join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(spent.sum())
}
