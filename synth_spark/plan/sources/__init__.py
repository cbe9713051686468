"""What a source of files is, told before anything is read: its files in order, and how each is laid out. No Spark here.

Header, preview, inventory and reading all go by what is told here, so no two of them can take a file for two things.
"""
