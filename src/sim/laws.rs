//! What must hold at every moment and at the end, whatever happened.
