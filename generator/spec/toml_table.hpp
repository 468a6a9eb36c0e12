// A table of TOML in the file's order, with an index: toml11's own ordered table looks at every key for each new one,
// which takes minutes for a hundred thousand. Not for use outside generator/spec.
#pragma once

#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tinderbox::spec {

// The members are those that toml11 asks of a `table_type`.
template <class Key, class Value> class IndexedTable {
  public:
    using key_type = Key;
    using mapped_type = Value;
    using value_type = std::pair<Key, Value>;
    using iterator = typename std::vector<value_type>::iterator;
    using const_iterator = typename std::vector<value_type>::const_iterator;

    iterator begin() { return rows_.begin(); }
    iterator end() { return rows_.end(); }
    const_iterator begin() const { return rows_.begin(); }
    const_iterator end() const { return rows_.end(); }
    bool empty() const { return rows_.empty(); }
    std::size_t size() const { return rows_.size(); }

    iterator find(const Key& key) { return begin() + position(key); }
    const_iterator find(const Key& key) const { return begin() + position(key); }
    bool contains(const Key& key) const { return find(key) != end(); }
    std::size_t count(const Key& key) const { return contains(key) ? 1 : 0; }
    Value& at(const Key& key) { return const_cast<Value&>(std::as_const(*this).at(key)); }
    const Value& at(const Key& key) const {
        auto found = find(key);
        if (found == end()) throw std::out_of_range("the table has no such key");
        return found->second;
    }
    void emplace(Key key, Value value) {
        if (contains(key)) throw std::out_of_range("the table has the key already");
        index_.emplace(key, rows_.size());
        rows_.emplace_back(std::move(key), std::move(value));
    }
    Value& operator[](const Key& key) {
        if (!contains(key)) emplace(key, Value());
        return find(key)->second;
    }
    friend bool operator==(const IndexedTable& a, const IndexedTable& b) { return a.rows_ == b.rows_; }
    friend bool operator<(const IndexedTable& a, const IndexedTable& b) { return a.rows_ < b.rows_; }

  private:
    std::ptrdiff_t position(const Key& key) const {
        auto found = index_.find(key);
        return static_cast<std::ptrdiff_t>(found == index_.end() ? rows_.size() : found->second);
    }

    std::vector<value_type> rows_;
    std::unordered_map<Key, std::size_t> index_;
};

} // namespace tinderbox::spec
