//! Two campaigns that are built here.
