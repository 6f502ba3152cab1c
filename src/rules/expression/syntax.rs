//! From the text of an expression to its [`Tree`].
//!
//! The only place that knows the `cel` crate. Of it are used the parser, its syntax tree and the
//! places in it; macros stay calls, and nothing is evaluated there.

use std::ops::Range;
use std::sync::LazyLock;
use std::thread;

use cel::common::ast::operators as op;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo};
use cel::{Env, ParseErrors};

use super::mistake::Mistake;
use super::scan::{Piece, Pieces, scan};
use super::tree::{Comparison, Form, Operation, Tree, Word};

/// Without macros: `has` and `exists` are checked like everything else.
static LANGUAGE: LazyLock<Env> = LazyLock::new(Env::default);

/// So many brackets within brackets are parsed where we are: each takes the parser a dozen calls,
/// which in an unoptimised build are 200 KiB of the 2 MiB that a thread has.
const SHALLOW: usize = 4;

/// Bytes of the stack on which a deeper text is parsed: twice what the deepest takes.
const DEEP_STACK: usize = 16 << 20;

/// Reads a text.
///
/// # Errors
///
/// What keeps it from being read: all that is wrong at first sight, else the first thing that the
/// parser does not understand, because what it says after that follows from it.
pub(super) fn read(text: &str) -> Result<Tree, Vec<Mistake>> {
    let depth = scan(text)?;
    let parsed = parsed(text, depth).ok_or_else(|| vec![too_deep(text)])?;
    let (expression, places) = parsed.map_err(|errors| vec![not_understood(text, &errors)])?;
    let mut reading = Reading { text, places: &places, mistakes: Vec::new() };
    match reading.tree(&expression) {
        Some(tree) if reading.mistakes.is_empty() => Ok(tree),
        Some(_) | None => Err(reading.mistakes),
    }
}

type Parsed = Result<(IdedExpr, SourceInfo), ParseErrors>;

/// Parses a text, one that is deeply nested on a stack of its own. `None` if there is no such stack.
fn parsed(text: &str, depth: usize) -> Option<Parsed> {
    let parse = || LANGUAGE.parser().parse_with_source_info(text);
    if depth <= SHALLOW {
        return Some(parse());
    }
    thread::scope(|scope| {
        let deep = thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, parse);
        deep.ok()?.join().ok()
    })
}

fn too_deep(text: &str) -> Mistake {
    let help = "write several rules, or a simpler expression";
    Mistake::new(0..text.len(), "this is nested too deeply", help)
}

/// The first of the parser's errors, in our words.
fn not_understood(text: &str, errors: &ParseErrors) -> Mistake {
    let first = errors.errors.iter().find(|error| error.pos.0 > 0);
    let Some(first) = first else { return too_deep(text) };
    let at = offset(text, first.pos);
    let piece = Pieces::new(text, at).find(|(piece, _)| *piece != Piece::Space);
    let Some((_, at)) = piece else {
        let end = text.trim_end().len();
        let start = end - text[..end].chars().next_back().map_or(0, char::len_utf8);
        let help = "write what comes after it, or leave the last sign out";
        return Mistake::new(start..end, "something is missing after this", help);
    };
    let shown = &text[at.clone()];
    if first.msg.starts_with("reserved identifier") {
        let message = format!("`{shown}` is a word that the language keeps for itself");
        Mistake::new(at, message, "use another name")
    } else if first.msg.starts_with("invalid int") || first.msg.starts_with("invalid uint") {
        Mistake::new(at, "this number is too large", "whole numbers have 64 bits")
    } else if first.msg.starts_with("invalid double") {
        Mistake::new(at, "this number is too large", "write a smaller one")
    } else if shown.contains('\\') && shown.ends_with(['"', '\'']) {
        let help = "write \\\\ for a backslash, or r\"…\" for a text without escapes";
        Mistake::new(at, "an escape in this text is not known", help)
    } else {
        let help = "is an operator, a comma or a quote missing before it?";
        Mistake::new(at, format!("`{shown}` is not expected here"), help)
    }
}

/// The byte that a line and a column, both from 1 and in characters, mean.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line - 1).unwrap_or(0);
    let column = usize::try_from(column - 1).unwrap_or(0);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = &text[start..];
    rest.char_indices().nth(column).map_or(text.len(), |(at, _)| start + at)
}

struct Reading<'t> {
    text: &'t str,
    places: &'t SourceInfo,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn tree(&mut self, expression: &IdedExpr) -> Option<Tree> {
        let at = self.token(expression.id);
        match &expression.expr {
            Expr::Literal(literal) => self.literal(at, literal),
            Expr::Ident(name) => Some(Tree { at, form: Form::Name(name.clone()) }),
            Expr::Select(select) => {
                let operand = self.tree(&select.operand)?;
                let name = self.word_after(at.end, &select.field);
                let at = operand.at.start..name.at.end;
                Some(Tree { at, form: Form::Select(Box::new(operand), name) })
            }
            Expr::Call(call) => self.call(at, call),
            Expr::List(list) => {
                let elements = self.trees(&list.elements)?;
                let end = elements.last().map_or(at.end, |last| last.at.end);
                let at = at.start..self.closing(end, ']');
                Some(Tree { at, form: Form::List(elements) })
            }
            Expr::Map(map) => {
                let mut entries = Vec::with_capacity(map.entries.len());
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        entries.push((self.tree(&entry.key)?, self.tree(&entry.value)?));
                    }
                }
                let end = entries.last().map_or(at.end, |(_, last)| last.at.end);
                let at = at.start..self.closing(end, '}');
                Some(Tree { at, form: Form::Map(entries) })
            }
            Expr::Struct(_) => self.refuse(at, "there are no types to make values of"),
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.refuse(at, "this cannot be understood")
            }
        }
    }

    fn literal(&mut self, at: Range<usize>, literal: &LiteralValue) -> Option<Tree> {
        let form = match literal {
            LiteralValue::Null => Form::Null,
            LiteralValue::Boolean(flag) => Form::Flag(*flag.inner()),
            LiteralValue::Int(number) => Form::Whole(*number.inner()),
            LiteralValue::Double(number) => Form::Fraction(*number.inner()),
            LiteralValue::String(text) => Form::Text(text.inner().to_owned()),
            LiteralValue::UInt(_) => {
                let help = "write it without the u";
                self.mistakes.push(Mistake::new(at, "all whole numbers are of one kind", help));
                return None;
            }
            LiteralValue::Bytes(_) => {
                let help = "write it without the b";
                self.mistakes.push(Mistake::new(at, "there are texts, and no bytes", help));
                return None;
            }
        };
        Some(Tree { at, form })
    }

    fn call(&mut self, sign: Range<usize>, call: &CallExpr) -> Option<Tree> {
        let operands: Option<Vec<Tree>> = call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .map(|one| self.tree(one))
            .collect();
        let operands = operands?;
        let start = operands.first().map_or(sign.start, |one| one.at.start.min(sign.start));
        let end = operands.last().map_or(sign.end, |one| one.at.end.max(sign.end));
        let at = self.balanced(start..end);
        let operands = match operator(&call.func_name, operands) {
            Ok(Form::Index(operand, index)) => {
                let at = start..self.closing(index.at.end, ']');
                return Some(Tree { at, form: Form::Index(operand, index) });
            }
            Ok(form) => return Some(Tree { at, form }),
            Err(operands) => operands,
        };
        let name = self.word_before(sign.start, &call.func_name);
        let end = if call.args.is_empty() { sign.end } else { end };
        let at = start.min(name.at.start)..self.closing(end, ')');
        let method = call.target.is_some();
        Some(Tree { at, form: Form::Call { name, method, arguments: operands } })
    }

    fn trees(&mut self, expressions: &[IdedExpr]) -> Option<Vec<Tree>> {
        expressions.iter().map(|one| self.tree(one)).collect()
    }

    fn refuse(&mut self, at: Range<usize>, message: &str) -> Option<Tree> {
        let help = "write fields, texts, numbers, lists, operators and functions";
        self.mistakes.push(Mistake::new(at, message, help));
        None
    }

    /// The place of the token that the parser noted.
    fn token(&self, id: u64) -> Range<usize> {
        let (start, last) = self.places.offset_for(id).unwrap_or_default();
        let index = |at: u32| usize::try_from(at).unwrap_or(usize::MAX).min(self.text.len());
        let (mut start, mut end) = (index(start), index(last));
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        // The parser notes where the last character begins.
        let last = self.text.get(end..).and_then(|rest| rest.chars().next());
        start..(end + last.map_or(0, char::len_utf8)).max(start)
    }

    /// The name that stands after this place, if it does.
    fn word_after(&self, at: usize, name: &str) -> Word {
        let blank = self.text[at..].len() - self.text[at..].trim_start().len();
        let start = at + blank;
        let there = self.text[start..].starts_with(name);
        let at = if there { start..start + name.len() } else { at..at };
        Word { text: name.to_owned(), at }
    }

    /// The name that stands before this place, if it does.
    fn word_before(&self, at: usize, name: &str) -> Word {
        let before = self.text[..at].trim_end();
        let start = before.strip_suffix(name).map_or(at, str::len);
        Word { text: name.to_owned(), at: start..before.len().max(start) }
    }

    /// The same part of the text, with the parentheses at its ends that belong to what is in it.
    fn balanced(&self, at: Range<usize>) -> Range<usize> {
        let mut open = 0_usize;
        let mut missing = 0_usize;
        for (piece, place) in Pieces::new(&self.text[..at.end], at.start) {
            match &self.text[place] {
                "(" if piece == Piece::Sign => open += 1,
                ")" if piece == Piece::Sign && open == 0 => missing += 1,
                ")" if piece == Piece::Sign => open -= 1,
                _ => {}
            }
        }
        let Range { mut start, mut end } = at;
        for _ in 0..open {
            end = self.closing(end, ')');
        }
        for _ in 0..missing {
            start = self.text[..start].rfind('(').unwrap_or(start);
        }
        start..end
    }

    /// Behind the bracket that closes what ends here.
    fn closing(&self, from: usize, bracket: char) -> usize {
        let mut pieces = Pieces::new(self.text, from);
        let found = pieces.find(|(piece, at)| {
            *piece == Piece::Sign && self.text[at.clone()].starts_with(bracket)
        });
        found.map_or(from, |(_, at)| at.end)
    }
}

/// What an operator makes of its operands; they come back if it is none.
fn operator(name: &str, mut operands: Vec<Tree>) -> Result<Form, Vec<Tree>> {
    if name == op::CONDITIONAL {
        return Ok(Form::Choose(Box::new(operands.try_into()?)));
    }
    let (Some(second), first) = (operands.pop(), operands.pop()) else { return Err(operands) };
    let Some(first) = first else {
        return match name {
            op::LOGICAL_NOT => Ok(Form::Not(Box::new(second))),
            op::NEGATE => Ok(negated(second)),
            _ => Err(vec![second]),
        };
    };
    if !operands.is_empty() {
        operands.extend([first, second]);
        return Err(operands);
    }
    if let Some(comparison) = comparison(name) {
        return Ok(Form::Compare(comparison, Box::new(first), Box::new(second)));
    }
    if let Some(operation) = operation(name) {
        return Ok(Form::Calculate(operation, Box::new(first), Box::new(second)));
    }
    match name {
        op::LOGICAL_AND => Ok(Form::Both(flat(first, second, |form| {
            if let Form::Both(parts) = form { Ok(parts) } else { Err(form) }
        }))),
        op::LOGICAL_OR => Ok(Form::Either(flat(first, second, |form| {
            if let Form::Either(parts) = form { Ok(parts) } else { Err(form) }
        }))),
        op::IN => Ok(Form::In(Box::new(first), Box::new(second))),
        op::INDEX => Ok(Form::Index(Box::new(first), Box::new(second))),
        _ => Err(vec![first, second]),
    }
}

fn negated(operand: Tree) -> Form {
    if let Form::Fraction(number) = operand.form {
        return Form::Fraction(-number);
    }
    Form::Negate(Box::new(operand))
}

/// Two operands, or what they consist of if they are of the same operator.
fn flat(first: Tree, second: Tree, parts: fn(Form) -> Result<Vec<Tree>, Form>) -> Vec<Tree> {
    let mut all = Vec::new();
    for Tree { at, form } in [first, second] {
        match parts(form) {
            Ok(inner) => all.extend(inner),
            Err(form) => all.push(Tree { at, form }),
        }
    }
    all
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        op::EQUALS => Comparison::Equal,
        op::NOT_EQUALS => Comparison::NotEqual,
        op::LESS => Comparison::Less,
        op::LESS_EQUALS => Comparison::LessOrEqual,
        op::GREATER => Comparison::Greater,
        op::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        op::ADD => Operation::Add,
        op::SUBSTRACT => Operation::Subtract,
        op::MULTIPLY => Operation::Multiply,
        op::DIVIDE => Operation::Divide,
        op::MODULO => Operation::Remainder,
        _ => return None,
    })
}
