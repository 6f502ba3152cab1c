//! Whose attributes a rule writes.

use std::sync::Arc;

/// Who it is, found anew at each match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// The newest of purpose customer, else external; also an ended one.
    #[default]
    Customer,
    /// The participant that was tested.
    Participant,
    /// The newest agent who has been connected.
    Agent,
    /// The newest queue leg.
    Acd,
    /// The watched participant that was tested.
    Watched,
    /// All agents who have not ended.
    Agents,
    /// All participants who have not ended.
    All,
    /// All participants of that purpose who have not ended.
    Purpose(Arc<str>),
}

impl Target {
    /// The words that are not purposes.
    pub const WORDS: [&str; 7] =
        ["customer", "participant", "agent", "acd", "watched", "agents", "all"];

    /// Reads a target; a word that is none of [`Target::WORDS`] is taken for a purpose.
    pub fn from_word(word: &str) -> Target {
        match word {
            "customer" => Target::Customer,
            "participant" => Target::Participant,
            "agent" => Target::Agent,
            "acd" => Target::Acd,
            "watched" => Target::Watched,
            "agents" => Target::Agents,
            "all" => Target::All,
            purpose => Target::Purpose(Arc::from(purpose)),
        }
    }

    /// As [`Target::from_word`] reads it.
    pub fn word(&self) -> &str {
        match self {
            Target::Customer => "customer",
            Target::Participant => "participant",
            Target::Agent => "agent",
            Target::Acd => "acd",
            Target::Watched => "watched",
            Target::Agents => "agents",
            Target::All => "all",
            Target::Purpose(purpose) => purpose,
        }
    }

    /// Whether somebody who has ended can still be it, once the match is gone.
    pub fn outlives_the_end(&self) -> bool {
        match self {
            Target::Customer | Target::Participant | Target::Agent | Target::Acd => true,
            Target::Watched | Target::Agents | Target::All | Target::Purpose(_) => false,
        }
    }
}
