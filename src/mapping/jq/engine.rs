//! Compiles expressions with the interpreter and runs them within the budget of the meter.

use super::meter::{self, Charge, Evaluation, Limit, Stopped};
use super::native;
use super::value::Value;
use super::{CompileError, EvaluationError, Source};
use jaq_core::data::{DataT, HasLut};
use jaq_core::load::lex::{Lexer, StrPart, Tok, Token};
use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Lut, Vars};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::OnceLock;

const MAXIMUM_NESTING: usize = 500;
/// Nesting that the interpreter follows without ever copying a context, that is without a look at the stack.
const NESTING_ON_CALLERS_STACK: usize = 16;
/// What an ordinary expression may use of the stack of the thread that evaluates it.
const CALLERS_STACK: usize = 512 << 10;
/// What the thread for all others has. It is memory only as far as it is used.
const LARGE_STACK: usize = 256 << 20;
/// How much of the large stack calls may use. The rest is for dropping what the calls built up.
const LARGE_STACK_FOR_CALLS: usize = 24 << 20;
/// What the interpreter keeps for each copy of its context: an iterator and its variables.
const BYTES_PER_CONTEXT: usize = 256;

/// A compiled expression that needs the interpreter.
pub(super) struct Program {
    filter: Filter<Kind>,
    /// Whether it may call itself, or is nested so deeply, that it belongs on the large stack.
    is_deep: bool,
}

/// Tells jaq which values and which context we use.
pub(super) struct Kind;

impl DataT for Kind {
    type V<'a> = Value;
    type Data<'a> = Context<'a>;
}

/// What the interpreter carries along, and copies with every call: the place to count calls and what they hold.
pub(super) struct Context<'a> {
    lut: &'a Lut<Kind>,
    _held: Charge,
}

impl<'a> Context<'a> {
    fn new(lut: &'a Lut<Kind>) -> Self {
        let held = Charge::new(BYTES_PER_CONTEXT);
        Self { lut, _held: held }
    }
}

impl Clone for Context<'_> {
    fn clone(&self) -> Self {
        Self::new(self.lut)
    }
}

impl<'a> HasLut<'a, Kind> for Context<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

/// One definition of the prelude.
struct Definition {
    definition: Def<&'static str>,
    mentioned: BTreeSet<&'static str>,
    /// Whether it has definitions within, through which alone those of the prelude call themselves.
    is_recursive: bool,
}

fn prelude() -> &'static [Definition] {
    static PRELUDE: OnceLock<Vec<Definition>> = OnceLock::new();
    PRELUDE.get_or_init(|| {
        let lines = include_str!("prelude.jq").lines();
        lines.filter(|line| line.starts_with("def ")).map(definition).collect()
    })
}

fn definition(line: &'static str) -> Definition {
    let parsed = load::parse(line, |parser| parser.defs()).and_then(|mut parsed| parsed.pop());
    // A test compiles every definition; there is no way for text from outside to get here.
    let Some(definition) = parsed else {
        unreachable!("the prelude has a definition that does not parse: {line}");
    };
    let mut mentioned = words(line);
    let is_recursive = line.matches("def ").count() > 1;
    mentioned.remove("def");
    Definition { definition, mentioned, is_recursive }
}

/// All names in a text that could be those of functions.
fn words(text: &str) -> BTreeSet<&str> {
    let mut words = BTreeSet::new();
    // A text that has no tokens does not compile either.
    for token in Lexer::new(text).lex().unwrap_or_default() {
        collect_words(&token, &mut words);
    }
    words
}

fn collect_words<'t>(token: &Token<&'t str>, words: &mut BTreeSet<&'t str>) {
    match &token.1 {
        Tok::Word | Tok::Fmt => {
            words.insert(token.0);
        }
        Tok::Block(tokens) => tokens.iter().for_each(|token| collect_words(token, words)),
        Tok::Str(parts) => {
            for part in parts {
                if let StrPart::Term(token) = part {
                    collect_words(token, words);
                }
            }
        }
        Tok::Var | Tok::Num | Tok::Sym => {}
    }
}

/// The definitions that a text needs, in the order of the prelude.
struct Needed {
    names: BTreeSet<&'static str>,
    definitions: Vec<&'static Definition>,
}

fn needed(words: &BTreeSet<&str>) -> Needed {
    let prelude = prelude();
    let mut is_needed: Vec<bool> =
        prelude.iter().map(|definition| words.contains(definition.definition.name)).collect();
    let mut names = BTreeSet::new();
    let mut pending: Vec<usize> = (0..prelude.len()).filter(|position| is_needed[*position]).collect();
    while let Some(position) = pending.pop() {
        for name in &prelude[position].mentioned {
            names.insert(*name);
            for (other, definition) in prelude.iter().enumerate() {
                if definition.definition.name == *name && !is_needed[other] {
                    is_needed[other] = true;
                    pending.push(other);
                }
            }
        }
    }
    let definitions = prelude.iter().zip(is_needed).filter(|(_, is_needed)| *is_needed);
    Needed { definitions: definitions.map(|(definition, _)| definition).collect(), names }
}

pub(super) fn compile(text: &str) -> Result<Program, CompileError> {
    if nesting(text) > MAXIMUM_NESTING {
        return Err(CompileError::TooDeep { levels: nesting(text), allowed: MAXIMUM_NESTING });
    }
    let is_short = text.len() < 500 && nesting(text) <= NESTING_ON_CALLERS_STACK;
    if is_short {
        return compile_here(text);
    }
    on_large_stack(|| compile_here(text)).map_err(CompileError::Refused)?
}

fn compile_here(text: &str) -> Result<Program, CompileError> {
    let words = words(text);
    let needed = needed(&words);
    let definitions = needed.definitions.iter().map(|needed| needed.definition.clone());
    let functions = native::functions(|name| words.contains(name) || needed.names.contains(name));

    let arena = Arena::default();
    let file = File { code: text, path: () };
    let modules = Loader::new(definitions).load(&arena, file);
    let modules = modules.map_err(|errors| CompileError::from_load(text, errors))?;
    let refuse = |_: load::Import<'_, &str, ()>| Err("modules are not available in a mapping".to_owned());
    load::import(&modules, refuse).map_err(|errors| CompileError::from_load(text, errors))?;

    let compiler = Compiler::default().with_funs(functions).with_global_vars(["$ENV"]);
    let filter = compiler.compile(modules);
    let filter = filter.map_err(|errors| CompileError::from_undefined(text, errors))?;
    let mentions = |name: &str| words.contains(name) || needed.names.contains(name);
    let is_recursive = words.contains("def") || needed.definitions.iter().any(|needed| needed.is_recursive);
    // A loop can make a path as long as there are steps, and dropping it takes as many calls.
    let has_long_paths = mentions("path") && (mentions("reduce") || mentions("foreach"));
    Ok(Program { filter, is_deep: is_recursive || has_long_paths || nesting(text) > NESTING_ON_CALLERS_STACK })
}

/// No less than the depth to which arrays, negations and labels nest, which the interpreter descends unchecked.
fn nesting(text: &str) -> usize {
    let mut open = 0_usize;
    let mut deepest = 0;
    let mut others = 0;
    for character in text.chars() {
        match character {
            '[' | '(' | '{' => open += 1,
            ']' | ')' | '}' => open = open.saturating_sub(1),
            '-' => others += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest + others + text.matches("label").count()
}

impl Program {
    /// The first output for an input. `converted` gives the input in the form for the calling thread.
    pub(super) fn first(
        &self,
        source: Source<'_>,
        converted: impl FnOnce() -> Value,
    ) -> Result<Option<serde_json::Value>, EvaluationError> {
        if !self.is_deep {
            let result = self.first_here(converted, CALLERS_STACK);
            if !matches!(result, Err(EvaluationError::Runaway { limit: Limit::Depth })) {
                return result;
            }
        }
        let evaluation = || (self.first_here(|| source.convert(), LARGE_STACK_FOR_CALLS), meter::steps_taken());
        let (result, steps) = on_large_stack(evaluation).map_err(EvaluationError::Failed)?;
        // They were counted on a thread that is gone.
        meter::step(steps);
        result
    }

    fn first_here(
        &self,
        input: impl FnOnce() -> Value,
        stack: usize,
    ) -> Result<Option<serde_json::Value>, EvaluationError> {
        // Converted first: an input counts for no expression.
        let input = input();
        let evaluation = Evaluation::start(stack);
        // Nothing that was being changed is seen again after unwinding.
        let result = catch_unwind(AssertUnwindSafe(|| self.first_unguarded(input)));
        drop(evaluation);
        match result {
            Ok(result) => result,
            Err(payload) => match payload.downcast::<Stopped>() {
                Ok(stopped) => Err(EvaluationError::Runaway { limit: stopped.0 }),
                Err(_) => Err(EvaluationError::Failed("the interpreter failed".to_owned())),
            },
        }
    }

    fn first_unguarded(&self, input: Value) -> Result<Option<serde_json::Value>, EvaluationError> {
        let environment = Value::object([]);
        let context = Ctx::<Kind>::new(Context::new(&self.filter.lut), Vars::new([environment]));
        match self.filter.id.run((context, input)).next() {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value.to_json())),
            Some(Err(exception)) => {
                let Ok(error) = exception.get_err() else {
                    return Err(EvaluationError::Failed("break outside of its label".to_owned()));
                };
                Err(match error.into_val() {
                    Value::Text(message) => EvaluationError::failed(message.as_str()),
                    other => EvaluationError::failed(&other.to_string()),
                })
            }
        }
    }
}

/// Runs on a thread of its own, whose stack is as large as recursion needs.
fn on_large_stack<T: Send>(run: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("jq".to_owned()).stack_size(LARGE_STACK);
        match thread.spawn_scoped(scope, run) {
            Ok(thread) => Ok(thread.join().unwrap_or_else(|payload| resume_unwind(payload))),
            Err(error) => Err(format!("no thread for a recursive expression: {error}")),
        }
    })
}
