//! A strict simulated cloud with seeded faults, in virtual time.
