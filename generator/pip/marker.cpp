#include "generator/pip/marker.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"
#include "generator/pip/marker_parser.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/version.hpp"

#include <algorithm>
#include <array>

namespace tinderbox::pip {

struct Marker::Node {
    enum class Kind { all, any, compare } kind = Kind::compare;
    std::vector<std::shared_ptr<const Node>> children; // of all and any
    std::string variable, op, literal;                 // of compare
    bool reversed = false;                             // written as: literal op variable
};

namespace {

using Node = Marker::Node;
using NodePtr = std::shared_ptr<const Node>;

constexpr std::array<std::string_view, 14> variables = {"implementation_name",
                                                        "implementation_version",
                                                        "os_name",
                                                        "platform_machine",
                                                        "platform_python_implementation",
                                                        "platform_release",
                                                        "platform_system",
                                                        "platform_version",
                                                        "python_full_version",
                                                        "python_version",
                                                        "sys_platform",
                                                        "extra",
                                                        "extras",
                                                        "dependency_groups"};

// PEP 751's: sets of names, asked with "'x' in extras".
bool holds_set(std::string_view variable) { return variable == "extras" || variable == "dependency_groups"; }

// Spellings from before PEP 508 that packages on the index still carry.
constexpr std::pair<std::string_view, std::string_view> old_variables[] = {
    {"os.name", "os_name"},
    {"sys.platform", "sys_platform"},
    {"platform.version", "platform_version"},
    {"platform.machine", "platform_machine"},
    {"platform.python_implementation", "platform_python_implementation"},
    {"python_implementation", "platform_python_implementation"}};

bool holds_version(std::string_view variable) {
    return variable == "python_version" || variable == "python_full_version" || variable == "implementation_version" ||
           variable == "platform_release";
}

bool is_variable_char(char c) { return is_word(c) || c == '.'; }

class Parser {
  public:
    explicit Parser(std::string_view text) : cursor_{text} {}

    Result<NodePtr> whole() {
        TRY_ASSIGN(NodePtr node, any());
        cursor_.skip_space();
        if (!cursor_.end()) return problem("'and', 'or' or the end");
        return node;
    }

  private:
    struct Operand {
        bool literal = false;
        std::string text;
    };

    Error problem(std::string_view expected) const {
        return make_error(ErrorKind::usage, "the marker '{}' has {} where {} should be", cursor_.text,
                          cursor_.end() ? std::string("its end") : fmt::format("'{}'", cursor_.rest()), expected);
    }

    bool keyword(std::string_view word) {
        cursor_.skip_space();
        auto rest = cursor_.rest();
        if (!rest.starts_with(word) || (rest.size() > word.size() && is_variable_char(rest[word.size()]))) return false;
        cursor_.at += word.size();
        return true;
    }

    Result<NodePtr> joined(Node::Kind kind, std::string_view word, Result<NodePtr> (Parser::*part)()) {
        TRY_ASSIGN(NodePtr first, (this->*part)());
        if (!keyword(word)) return first;
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->children.push_back(first);
        do {
            TRY_ASSIGN(NodePtr next, (this->*part)());
            node->children.push_back(next);
        } while (keyword(word));
        return NodePtr(node);
    }

    Result<NodePtr> any() { return joined(Node::Kind::any, "or", &Parser::all); }
    Result<NodePtr> all() { return joined(Node::Kind::all, "and", &Parser::atom); }

    Result<NodePtr> atom() {
        cursor_.skip_space();
        if (!cursor_.accept("(")) return comparison();
        // A wheel's metadata is foreign input: a thousand "(" must not use up the stack.
        if (++depth_ > 100) return make_error(ErrorKind::usage, "a marker nests parentheses more than 100 deep");
        TRY_ASSIGN(NodePtr inside, any());
        --depth_;
        cursor_.skip_space();
        if (!cursor_.accept(")")) return problem("')'");
        return inside;
    }

    Result<Operand> operand() {
        cursor_.skip_space();
        char quote = cursor_.peek();
        if (quote == '"' || quote == '\'') {
            auto close = cursor_.text.find(quote, cursor_.at + 1);
            if (close == std::string_view::npos) return problem("a string that is closed");
            Operand out{true, std::string(cursor_.text.substr(cursor_.at + 1, close - cursor_.at - 1))};
            cursor_.at = close + 1;
            return out;
        }
        std::size_t begin = cursor_.at, stop = begin;
        while (stop < cursor_.text.size() && is_variable_char(cursor_.text[stop])) ++stop;
        std::string_view word = cursor_.text.substr(begin, stop - begin);
        for (auto [old, current] : old_variables)
            if (word == old) word = current;
        if (std::ranges::find(variables, word) == variables.end())
            return problem("a marker variable or a quoted string");
        cursor_.at = stop;
        return Operand{false, std::string(word)};
    }

    Result<std::string> comparison_operator() {
        cursor_.skip_space();
        for (std::string_view op : {"===", "==", "~=", "!=", "<=", ">=", "<", ">"})
            if (cursor_.accept(op)) return std::string(op);
        if (keyword("in")) return std::string("in");
        if (keyword("not")) {
            if (!keyword("in")) return problem("'in' after 'not'");
            return std::string("not in");
        }
        return problem("a comparison such as == or >=");
    }

    Result<NodePtr> comparison() {
        auto node = std::make_shared<Node>();
        TRY_ASSIGN(Operand left, operand());
        TRY_ASSIGN(node->op, comparison_operator());
        TRY_ASSIGN(Operand right, operand());
        if (left.literal == right.literal)
            return make_error(ErrorKind::usage,
                              "the marker '{}' compares two {}; one side must be a variable such as "
                              "python_version, the other a quoted string",
                              cursor_.text, left.literal ? "strings" : "variables");
        node->reversed = left.literal;
        node->variable = left.literal ? right.text : left.text;
        node->literal = left.literal ? left.text : right.text;
        if (node->variable == "extra" || holds_set(node->variable)) node->literal = normalize_name(node->literal);
        if (holds_set(node->variable) && (!node->reversed || (node->op != "in" && node->op != "not in")))
            return make_error(ErrorKind::usage, "the marker '{}' uses '{}' other than as 'NAME' in {}", cursor_.text,
                              node->variable, node->variable);
        bool version_only = node->op == "~=" || node->op == "===";
        if (version_only &&
            (!holds_version(node->variable) || (!node->reversed && !Specifier::parse(node->op + node->literal))))
            return make_error(ErrorKind::usage, "the marker '{}' uses '{}' for something that is not a version",
                              cursor_.text, node->op);
        return NodePtr(node);
    }

    Cursor cursor_;
    int depth_ = 0;
};

bool compare(const std::string& left, const std::string& op, const std::string& right, std::string_view variable) {
    if (holds_version(variable)) {
        if (auto specifier = Specifier::parse(op + right)) {
            auto version = Version::parse(left);
            if (version) return specifier->matches(*version, left);
            return specifier->op() == Specifier::Op::arbitrary && to_lower(left) == to_lower(right);
        }
    }
    if (op == "in") return right.find(left) != std::string::npos;
    if (op == "not in") return right.find(left) == std::string::npos;
    if (op == "!=") return left != right;
    // Strings have no order: "<=" and ">=" hold for equal ones only, "<" and ">" never.
    return (op == "==" || op == "<=" || op == ">=") && left == right;
}

bool evaluate_node(const Node& node, const MarkerEnvironment& environment, const std::string& extra) {
    auto child = [&](const NodePtr& c) { return evaluate_node(*c, environment, extra); };
    if (node.kind == Node::Kind::all) return std::ranges::all_of(node.children, child);
    if (node.kind == Node::Kind::any) return std::ranges::any_of(node.children, child);
    std::string value = extra;
    auto found = environment.find(node.variable);
    const bool given = found != environment.end();
    // Sets are names, one a line. uv's locks ask for an `extra` of several.
    if (holds_set(node.variable) || (node.variable == "extra" && given)) {
        const std::vector<std::string_view> names =
            given ? split(found->second, '\n') : std::vector<std::string_view>();
        const bool member = std::ranges::find(names, node.literal) != names.end();
        return member == (node.op == "in" || node.op == "==");
    }
    if (node.variable != "extra") value = given ? found->second : "";
    return node.reversed ? compare(node.literal, node.op, value, node.variable)
                         : compare(value, node.op, node.literal, node.variable);
}

std::string node_text(const Node& node, bool outermost) {
    if (node.kind == Node::Kind::compare) {
        std::string quote = node.literal.find('"') == std::string::npos ? "\"" : "'";
        std::string literal = quote + node.literal + quote;
        return node.reversed ? literal + " " + node.op + " " + node.variable
                             : node.variable + " " + node.op + " " + literal;
    }
    std::string out;
    for (const NodePtr& child : node.children) {
        if (!out.empty()) out += node.kind == Node::Kind::all ? " and " : " or ";
        out += node_text(*child, false);
    }
    return outermost || node.kind == Node::Kind::all ? out : "(" + out + ")";
}

} // namespace

Result<Marker> Marker::parse(std::string_view text) {
    TRY_ASSIGN(NodePtr root, Parser(text).whole());
    return Marker(std::move(root));
}

bool Marker::evaluate(const MarkerEnvironment& environment, const std::vector<std::string>& extras) const {
    if (extras.empty()) return evaluate_node(*root_, environment, "");
    return std::ranges::any_of(extras,
                               [&](const std::string& extra) { return evaluate_node(*root_, environment, extra); });
}

std::string Marker::str() const { return node_text(*root_, true); }

} // namespace tinderbox::pip
