"""Physics data as numbers: reading ROOT files, filling histograms, fitting. Nothing here draws."""
