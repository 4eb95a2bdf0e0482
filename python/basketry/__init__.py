"""From a shop's raw transactions to rules, sequences, segments, forecasts and lists of people."""
