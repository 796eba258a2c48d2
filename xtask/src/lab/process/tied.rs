//! Children that end with the lab.
