print("import: 'a.b'")
import a.b
