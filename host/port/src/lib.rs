//! Moving Helm post-renderers to plugins: what a tree of files holds and what becomes of it.
//!
//! [`audit`] finds every place where a post-renderer is chosen, follows it to the program and says what the program
//! does, needs and can be replaced by. [`convert`] makes a pipeline of one. Nothing that is found is ever run.

pub mod audit;
pub mod convert;
pub mod markup;
