"""Stage 8: releases in a published root."""
