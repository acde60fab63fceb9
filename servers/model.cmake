# The Python package forces its cache variable on, but loads nothing of llama.cpp's common library,
# which is two fifths of what would be compiled. A normal variable stands before a cached one.
set(LLAMA_BUILD_COMMON OFF)
