//! WebAssembly's rules, checked by wasmparser in work that is linear in the module.
//!
//! By themselves they are not: an instruction moves all values of its type, a `br_table` once for each of its targets,
//! and a function of four bytes has all its parameters as locals. A mebibyte of that takes the validator a quarter of a
//! minute or gigabytes. So where a type is long, the values are counted here before each instruction is checked.
//! Nothing else in Windlass calls the validator in its own process.

use std::fmt;

use wasmparser::{
    BinaryReader, BinaryReaderError, Catch, FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody,
    ModuleArity, Operator, OperatorsReader, OperatorsReaderAllocations, Parser, Payload, TypeSectionReader,
    ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use crate::limits::table::{MAX_OPERANDS, MOVED_AT_LEAST, MOVED_FOR_BYTE};

/// Types of at most so many parameters and as many results make no work that has to be counted.
const FEW_VALUES: usize = 16;
/// Declared locals are a byte each to the validator, values are more.
const LOCALS_LIKE_A_VALUE: u32 = 16;

/// Why a module is refused.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It breaks a rule.
    Invalid(BinaryReaderError),
    /// Its instructions move more values than [`MOVED_FOR_BYTE`] and [`MOVED_AT_LEAST`] allow.
    Moves(u64),
    /// An instruction leaves more than [`MAX_OPERANDS`] values on the stack.
    Operands,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => {
                let message = error.message().lines().next().unwrap_or_default();
                write!(formatter, "{message} (at offset {:#x})", error.offset())
            }
            Self::Moves(most) => write!(formatter, "its instructions move more than {most} values"),
            Self::Operands => write!(formatter, "it has more than {MAX_OPERANDS} values on the stack"),
        }
    }
}

impl From<BinaryReaderError> for Fault {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid(error)
    }
}

/// Checks the whole module.
///
/// # Errors
/// It breaks a rule of WebAssembly with `features`, or moves far more values than code does that a compiler made.
#[allow(clippy::disallowed_methods, reason = "the one door to the validator")]
pub(crate) fn check(wasm: &[u8], features: WasmFeatures) -> Result<(), Fault> {
    let mut bodies = Bodies::new(wasm.len(), features);
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    for payload in parser.parse_all(wasm) {
        let payload = payload?;
        if let Payload::TypeSection(types) = &payload {
            bodies.has_long_types |= has_long_types(types.clone());
        }
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            bodies.check(function, &body)?;
        }
    }
    Ok(())
}

/// Whether a type has more than a few values, or is none of a function.
fn has_long_types(types: TypeSectionReader<'_>) -> bool {
    let is_short = |values: usize| values <= FEW_VALUES;
    !types.into_iter_err_on_gc_types().all(|function| {
        function.is_ok_and(|function| is_short(function.params().len()) && is_short(function.results().len()))
    })
}

/// Checks the bodies of functions, one after the other.
struct Bodies {
    features: WasmFeatures,
    /// Whether what instructions move has to be counted: reading them for it takes longer than checking them.
    has_long_types: bool,
    allocations: FuncValidatorAllocations,
    frames: OperatorsReaderAllocations,
    /// How many values may be moved in all.
    most: u64,
    /// How many have been.
    moved: u64,
}

impl Bodies {
    fn new(length: usize, features: WasmFeatures) -> Self {
        let most = (length as u64).saturating_mul(MOVED_FOR_BYTE).saturating_add(MOVED_AT_LEAST);
        Self {
            features,
            has_long_types: false,
            allocations: Default::default(),
            frames: Default::default(),
            most,
            moved: 0,
        }
    }

    fn check(&mut self, function: FuncToValidate<ValidatorResources>, body: &FunctionBody<'_>) -> Result<(), Fault> {
        let own_type = function.ty;
        let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
        let own_type = validator.sub_type_at(own_type).and_then(|own| validator.sub_type_arity(own));
        self.moves(sum(own_type))?;
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        self.moves(u64::from(validator.len_locals() / LOCALS_LIKE_A_VALUE))?;
        reader.set_features(self.features);
        if self.has_long_types {
            self.count(&mut validator, reader)?;
        } else {
            while !reader.eof() {
                reader.visit_operator(&mut validator.visitor(reader.original_position()))??;
                check_operands(&validator)?;
            }
            reader.finish_expression(&validator.visitor(reader.original_position()))?;
        }
        self.allocations = validator.into_allocations();
        Ok(())
    }

    /// Checks instructions, and counts before what they move.
    fn count(
        &mut self,
        validator: &mut FuncValidator<ValidatorResources>,
        reader: BinaryReader<'_>,
    ) -> Result<(), Fault> {
        let mut operators = OperatorsReader::new_with_allocs(reader, std::mem::take(&mut self.frames));
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            self.moves(moved_by(&operator, &*validator))?;
            validator.op(offset, &operator)?;
            check_operands(validator)?;
        }
        operators.finish()?;
        self.frames = operators.into_allocations();
        Ok(())
    }

    fn moves(&mut self, values: u64) -> Result<(), Fault> {
        self.moved = self.moved.saturating_add(values);
        if self.moved > self.most { Err(Fault::Moves(self.most)) } else { Ok(()) }
    }
}

fn check_operands(function: &FuncValidator<ValidatorResources>) -> Result<(), Fault> {
    if u64::from(function.operand_stack_height()) > MAX_OPERANDS { Err(Fault::Operands) } else { Ok(()) }
}

/// How many values the validator looks at for `operator`, at most. What has no arity breaks a rule, and ends the check.
fn moved_by(operator: &Operator<'_>, function: &impl ModuleArity) -> u64 {
    let once = sum(operator.operator_arity(function));
    match operator {
        Operator::BrTable { targets } => once.saturating_mul(u64::from(targets.len()) + 1),
        Operator::TryTable { try_table } => {
            let caught = try_table.catches.iter().map(|catch| match *catch {
                Catch::One { tag, .. } | Catch::OneRef { tag, .. } => sum(function.tag_type_arity(tag)) + 1,
                Catch::All { .. } | Catch::AllRef { .. } => 1,
            });
            once.saturating_add(caught.sum())
        }
        _ => once,
    }
}

/// What goes in and what comes out.
fn sum(arity: Option<(u32, u32)>) -> u64 {
    arity.map_or(0, |(taken, given)| u64::from(taken) + u64::from(given))
}
