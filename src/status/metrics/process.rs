//! What the kernel says of this process, by the names that every exporter uses.

use std::fmt;
use std::fs;

use super::sheet::Sheet;

/// In what `/proc/…/stat` counts time, on every machine that Linux runs on by now (`proc(5)`).
const TICKS_A_SECOND: f64 = 100.0;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Process {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    open_files: u64,
    max_files: u64,
    threads: u64,
}

impl Process {
    /// What is not there is 0.
    pub(super) fn read() -> Process {
        let file = |name: &str| fs::read_to_string(name).unwrap_or_default();
        let open_files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as u64;
        let texts = ["/proc/self/stat", "/proc/self/status", "/proc/self/limits"];
        let [stat, status, limits] = texts.map(file);
        Process { open_files, ..Process::of(&stat, &status, &limits) }
    }

    fn of(stat: &str, status: &str, limits: &str) -> Process {
        // The name before may hold anything but a further parenthesis that closes.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |at: usize| fields.get(at - 3).and_then(|it| it.parse::<f64>().ok());
        let ticks = |at| field(at).unwrap_or(0.0) / TICKS_A_SECOND;
        let number = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let kilobytes = |name| number(status, name).unwrap_or(0) * 1024;
        Process {
            cpu_seconds: ticks(14) + ticks(15),
            resident_bytes: kilobytes("VmRSS:"),
            virtual_bytes: kilobytes("VmSize:"),
            open_files: 0,
            max_files: number(limits, "Max open files").unwrap_or(0),
            threads: number(status, "Threads:").unwrap_or(0),
        }
    }

    /// When the process was started the kernel says only with what a hardened unit hides from it.
    pub(super) fn write(&self, sheet: &mut Sheet<'_>, started_at: f64) -> fmt::Result {
        let cpu = "Processor time that was used.";
        sheet.plain_counter("process_cpu_seconds", cpu, self.cpu_seconds)?;
        let resident = "Memory that is in use.";
        sheet.plain_gauge("process_resident_memory_bytes", resident, self.resident_bytes)?;
        let all = "Memory that is reserved.";
        sheet.plain_gauge("process_virtual_memory_bytes", all, self.virtual_bytes)?;
        sheet.plain_gauge(
            "process_open_fds",
            "Files and sockets that are open.",
            self.open_files,
        )?;
        sheet.plain_gauge("process_max_fds", "How many may be.", self.max_files)?;
        sheet.plain_gauge("process_threads", "Threads.", self.threads)?;
        let started = "When the process was started.";
        sheet.plain_gauge("process_start_time_seconds", started, started_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let stat = "17 (a) odd (name) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 9 0 1000 1 1";
        let status = "Name:\tx\nVmSize:\t    2000 kB\nVmRSS:\t    1000 kB\nThreads:\t9\n";
        let limits = "Limit  Soft\nMax open files            1024                 4096   files\n";
        let process = Process::of(stat, status, limits);
        let expected = Process {
            cpu_seconds: 2.0,
            resident_bytes: 1_024_000,
            virtual_bytes: 2_048_000,
            open_files: 0,
            max_files: 1024,
            threads: 9,
        };
        assert_eq!(process, expected);
        assert_eq!(Process::of("", "", ""), Process::default());
        assert!(Process::read().resident_bytes > 0);
    }
}
