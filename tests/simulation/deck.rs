//! What can go wrong, as a deck of cards: all kinds come before any comes again.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    SocketDropped,
    SocketHalfOpen,
    SocketClosed,
    SocketClosing,
    ChannelEvicted,
    NextSocketHungUp,
    NextSocketHalfOpen,
    NextSocketRefused,
    TokensRevoked,
    /// Before their time, and nobody says so.
    TokensExpired,
    TokenRequestsFail,
    FrameGarbage,
    FrameCut,
    /// Frames late, twice, and thereby out of order; and now and then a fault of each other kind.
    BadDay,
    /// The same, worse.
    TerribleDay,
    Throttled,
    /// For good: what is written is not as the server would have it.
    Refused,
    ErrorsBeforeActing,
    ErrorsAfterActing,
    ResetsBeforeActing,
    ResetsAfterActing,
    TimeoutsBeforeActing,
    TimeoutsAfterActing,
    SlowAnswers,
    Frozen,
    BudgetSpentByOthers,
    RulesReloaded,
    TopicsChanged,
    /// Only some are watched for a while.
    UsersChanged,
    /// The process is killed, and started again.
    Crash,
    /// The same while the API does not answer, and much waits.
    CrashInAJam,
    /// The journal cannot be written for a while.
    DiskFails,
    /// Nothing more fits on the disk for a while.
    DiskFull,
}

pub(crate) const ALL: [Trouble; 33] = [
    Trouble::SocketDropped,
    Trouble::SocketHalfOpen,
    Trouble::SocketClosed,
    Trouble::SocketClosing,
    Trouble::ChannelEvicted,
    Trouble::NextSocketHungUp,
    Trouble::NextSocketHalfOpen,
    Trouble::NextSocketRefused,
    Trouble::TokensRevoked,
    Trouble::TokensExpired,
    Trouble::TokenRequestsFail,
    Trouble::FrameGarbage,
    Trouble::FrameCut,
    Trouble::BadDay,
    Trouble::TerribleDay,
    Trouble::Throttled,
    Trouble::Refused,
    Trouble::ErrorsBeforeActing,
    Trouble::ErrorsAfterActing,
    Trouble::ResetsBeforeActing,
    Trouble::ResetsAfterActing,
    Trouble::TimeoutsBeforeActing,
    Trouble::TimeoutsAfterActing,
    Trouble::SlowAnswers,
    Trouble::Frozen,
    Trouble::BudgetSpentByOthers,
    Trouble::RulesReloaded,
    Trouble::TopicsChanged,
    Trouble::UsersChanged,
    Trouble::Crash,
    Trouble::CrashInAJam,
    Trouble::DiskFails,
    Trouble::DiskFull,
];

#[derive(Default)]
pub(crate) struct Deck(Vec<Trouble>);

impl Deck {
    pub(crate) fn draw(&mut self, dice: &mut StdRng) -> Trouble {
        loop {
            if let Some(trouble) = self.0.pop() {
                return trouble;
            }
            self.0 = ALL.to_vec();
            self.0.shuffle(dice);
        }
    }
}

impl Trouble {
    /// As it is counted.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Trouble::SocketDropped => "socket dropped",
            Trouble::SocketHalfOpen => "socket half-open",
            Trouble::SocketClosed => "socket closed",
            Trouble::SocketClosing => "socket closing",
            Trouble::ChannelEvicted => "channel evicted",
            Trouble::NextSocketHungUp => "next socket hung up",
            Trouble::NextSocketHalfOpen => "next socket half-open",
            Trouble::NextSocketRefused => "next socket refused",
            Trouble::TokensRevoked => "tokens revoked",
            Trouble::TokensExpired => "tokens expired",
            Trouble::TokenRequestsFail => "token requests fail",
            Trouble::FrameGarbage => "frame garbage",
            Trouble::FrameCut => "frame cut",
            Trouble::BadDay => "bad day",
            Trouble::TerribleDay => "terrible day",
            Trouble::Throttled => "throttled",
            Trouble::Refused => "refused",
            Trouble::ErrorsBeforeActing => "errors before acting",
            Trouble::ErrorsAfterActing => "errors after acting",
            Trouble::ResetsBeforeActing => "resets before acting",
            Trouble::ResetsAfterActing => "resets after acting",
            Trouble::TimeoutsBeforeActing => "timeouts before acting",
            Trouble::TimeoutsAfterActing => "timeouts after acting",
            Trouble::SlowAnswers => "slow answers",
            Trouble::Frozen => "frozen",
            Trouble::BudgetSpentByOthers => "budget spent by others",
            Trouble::RulesReloaded => "rules reloaded",
            Trouble::TopicsChanged => "topics changed",
            Trouble::UsersChanged => "users changed",
            Trouble::Crash => "crashes",
            Trouble::CrashInAJam => "crashes in a jam",
            Trouble::DiskFails => "disk fails",
            Trouble::DiskFull => "disk full",
        }
    }
}
