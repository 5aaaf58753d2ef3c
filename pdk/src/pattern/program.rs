//! From the tree of a pattern to a program, and its run over a text: all threads at once, each position at most once
//! per character (Thompson's construction, Pike's machine without captures).

use super::parse::{Node, Set};

/// More than any sensible pattern has; nested repetitions multiply.
const MAX_LENGTH: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Instruction {
    /// Consumes one of these characters.
    Set(Set),
    /// Goes on only at the beginning of the text.
    Start,
    /// Goes on only at the end of the text.
    End,
    /// Goes on in both places.
    Split(usize, usize),
    Jump(usize),
    Match,
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    steps: Vec<Instruction>,
}

impl Program {
    pub(super) fn compile(node: &Node) -> Result<Self, String> {
        let mut program = Program { steps: Vec::new() };
        program.add(node)?;
        program.push(Instruction::Match)?;
        Ok(program)
    }

    fn push(&mut self, step: Instruction) -> Result<usize, String> {
        if self.steps.len() >= MAX_LENGTH {
            return Err("it is too large".to_owned());
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    /// Puts a step where a place was kept for it.
    fn patch(&mut self, place: usize, step: Instruction) {
        if let Some(kept) = self.steps.get_mut(place) {
            *kept = step;
        }
    }

    fn add(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::Set(set) => self.push(Instruction::Set(set.clone())).map(drop),
            Node::Start => self.push(Instruction::Start).map(drop),
            Node::End => self.push(Instruction::End).map(drop),
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.add(node)),
            Node::Alternate(nodes) => {
                let Some((last, others)) = nodes.split_last() else { return Ok(()) };
                let mut jumps = Vec::new();
                for other in others {
                    let split = self.push(Instruction::Match)?;
                    self.add(other)?;
                    jumps.push(self.push(Instruction::Match)?);
                    self.patch(split, Instruction::Split(split + 1, self.steps.len()));
                }
                self.add(last)?;
                let end = self.steps.len();
                jumps.into_iter().for_each(|jump| self.patch(jump, Instruction::Jump(end)));
                Ok(())
            }
            Node::Repeat { node, min, max } => {
                for _ in 0..*min {
                    self.add(node)?;
                }
                match max {
                    None => {
                        let split = self.push(Instruction::Match)?;
                        self.add(node)?;
                        self.push(Instruction::Jump(split))?;
                        self.patch(split, Instruction::Split(split + 1, self.steps.len()));
                    }
                    Some(max) => {
                        let mut splits = Vec::new();
                        for _ in *min..*max {
                            splits.push(self.push(Instruction::Match)?);
                            self.add(node)?;
                        }
                        let end = self.steps.len();
                        splits.into_iter().for_each(|split| self.patch(split, Instruction::Split(split + 1, end)));
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn matches_whole(&self, text: &str) -> bool {
        self.run(text, true)
    }

    pub(super) fn matches_somewhere(&self, text: &str) -> bool {
        self.run(text, false)
    }

    fn run(&self, text: &str, is_whole: bool) -> bool {
        let mut threads = Threads::new(self.steps.len());
        let mut next = Threads::new(self.steps.len());
        let mut rest = text.chars();
        loop {
            let is_at_start = rest.as_str().len() == text.len();
            let is_at_end = rest.as_str().is_empty();
            if is_at_start || !is_whole {
                threads.pending.push(0);
            }
            let has_matched = self.follow(&mut threads, is_at_start, is_at_end);
            if has_matched && (is_at_end || !is_whole) {
                return true;
            }
            let Some(character) = rest.next() else { return false };
            for &place in &threads.waiting {
                if let Some(Instruction::Set(set)) = self.steps.get(place)
                    && set.contains(character)
                {
                    next.pending.push(place + 1);
                }
            }
            threads.clear();
            std::mem::swap(&mut threads, &mut next);
        }
    }

    /// Follows all that consumes nothing; tells whether the end of the program was reached.
    fn follow(&self, threads: &mut Threads, is_at_start: bool, is_at_end: bool) -> bool {
        let mut has_matched = false;
        while let Some(place) = threads.pending.pop() {
            match threads.is_seen.get_mut(place) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            match self.steps.get(place) {
                Some(Instruction::Set(_)) => threads.waiting.push(place),
                Some(Instruction::Start) if is_at_start => threads.pending.push(place + 1),
                Some(Instruction::End) if is_at_end => threads.pending.push(place + 1),
                Some(Instruction::Start | Instruction::End) | None => {}
                Some(Instruction::Split(one, other)) => threads.pending.extend([*one, *other]),
                Some(Instruction::Jump(to)) => threads.pending.push(*to),
                Some(Instruction::Match) => has_matched = true,
            }
        }
        has_matched
    }
}

/// The places where the program stands at one position of the text.
struct Threads {
    pending: Vec<usize>,
    waiting: Vec<usize>,
    is_seen: Vec<bool>,
}

impl Threads {
    fn new(length: usize) -> Self {
        Threads { pending: Vec::new(), waiting: Vec::new(), is_seen: vec![false; length] }
    }

    fn clear(&mut self) {
        self.waiting.clear();
        self.is_seen.fill(false);
    }
}
