//! Turns signals into intentions, so that the rest of the program need not know their names.
//!
//! The first SIGTERM or SIGINT asks to stop in good order; a second leaves at once. SIGHUP asks to
//! read the files again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::{io, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// What somebody outside wants of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Read the rules and the configuration again.
    Reload,
    /// Push what is in the outbox, then end.
    Stop,
}

/// The exit code of a process that was asked to stop twice: what was waiting is not pushed.
pub const LEFT_AT_ONCE: i32 = 1;

/// Calls `tell` for every signal that comes, on a thread of its own.
///
/// # Errors
///
/// If the handlers or the thread cannot be set up.
pub fn listen(mut tell: impl FnMut(Intent) + Send + 'static) -> io::Result<()> {
    let asked_to_stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first signal finds the flag down and the second finds it up.
        flag::register_conditional_shutdown(signal, LEFT_AT_ONCE, Arc::clone(&asked_to_stop))?;
        flag::register(signal, Arc::clone(&asked_to_stop))?;
    }
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            tell(if signal == SIGHUP { Intent::Reload } else { Intent::Stop });
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use signal_hook::low_level::raise;

    use super::*;

    #[test]
    fn signals_become_intentions() {
        let (intents, intended) = mpsc::channel();
        listen(move |intent| intents.send(intent).unwrap()).unwrap();

        raise(SIGHUP).unwrap();
        assert_eq!(intended.recv(), Ok(Intent::Reload));
        raise(SIGTERM).unwrap();
        assert_eq!(intended.recv(), Ok(Intent::Stop));
    }
}
