package store

// ClaimSQL claims deliveries in PostgreSQL.
const ClaimSQL = claimSQL
