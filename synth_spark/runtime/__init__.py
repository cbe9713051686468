"""What the product runs in: Spark, the JVM, Python workers, injected faults."""
