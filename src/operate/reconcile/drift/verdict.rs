/// The value that the processes should hold.
pub(super) enum Verdict<T> {
    Value(T),
    NoMajority,
    /// The reference does not have the object.
    Nothing,
}
