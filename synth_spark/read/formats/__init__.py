"""Files that Spark has no reader for, or none that loses nothing: tasks read them, and Spark is told every column."""
